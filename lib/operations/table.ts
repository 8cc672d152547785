import { operation, operationsOf, prepare, type Operation, type Subject } from './operation.js';

type Params = Record<string, unknown>;

/** The type of rows whose operations act on nothing that has a name. */
type NoSubject = undefined;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const TASK_ROW = { event: 'EVENT_TOOL_INVOCATION', resource: 'tasks/{task}' } as const;

/**
 * The table of operations: which method of the SDK's `Client` is which operation of the protocol, which event it is in the
 * compliance log schema, and what it acts on. The wrappers of methods and the mapping of records read it.
 */
class ClientOperations {
  @operation({
    method: 'initialize',
    event: { documented: 'EVENT_LOGIN', '0.2': 'EVENT_MCP_INITIALIZE' },
    resource: 'session/initialize',
    summary: 'Opened a session',
  })
  static readonly connect: NoSubject;

  @operation({
    method: 'tools/list',
    event: { documented: 'EVENT_TOOL_INVOCATION', '0.2': 'EVENT_TOOL_LIST' },
    resource: 'tools/list',
    summary: 'Listed tools',
  })
  static readonly listTools: NoSubject;

  @operation({
    method: 'tools/call',
    event: 'EVENT_TOOL_INVOCATION',
    resource: 'tools/{name}',
    summary: 'Called tool {name}',
  })
  static callTool(params: Params): Subject {
    return { toolName: text(params['name']), arguments: params['arguments'] };
  }

  @operation({
    method: 'resources/list',
    event: { documented: 'EVENT_RESOURCE_ACCESS', '0.2': 'EVENT_RESOURCE_LIST' },
    resource: 'resources/list',
    summary: 'Listed resources',
  })
  static readonly listResources: NoSubject;

  @operation({
    method: 'resources/read',
    event: { documented: 'EVENT_CONTEXT_ACCESS', '0.2': 'EVENT_RESOURCE_READ' },
    resource: '{uri}',
    summary: 'Read a resource',
  })
  static readResource(params: Params): Subject {
    return { uri: text(params['uri']) };
  }

  @operation({
    method: 'prompts/list',
    event: { documented: 'EVENT_PROMPT_EXECUTION', '0.2': 'EVENT_PROMPT_LIST' },
    resource: 'prompts/list',
    summary: 'Listed prompts',
  })
  static readonly listPrompts: NoSubject;

  @operation({
    method: 'prompts/get',
    event: 'EVENT_PROMPT_EXECUTION',
    resource: 'prompts/{name}',
    summary: 'Got prompt {name}',
  })
  static getPrompt(params: Params): Subject {
    return { promptName: text(params['name']), arguments: params['arguments'] };
  }

  @operation({
    method: 'close',
    event: 'EVENT_LOGOUT',
    resource: 'session/close',
    summary: 'Closed the session',
  })
  static readonly close: NoSubject;

  @operation({
    method: 'ping',
    event: { documented: 'EVENT_RESOURCE_ACCESS', '0.2': 'EVENT_MCP_PING' },
    resource: 'session/ping',
    summary: 'Pinged the server',
  })
  static readonly ping: NoSubject;

  @operation({
    method: 'server/discover',
    event: { documented: 'EVENT_LOGIN', '0.2': 'EVENT_MCP_INITIALIZE' },
    resource: 'session/discover',
    summary: 'Asked the server what it offers',
  })
  static readonly discover: NoSubject;

  @operation({
    method: 'resources/templates/list',
    event: { documented: 'EVENT_RESOURCE_ACCESS', '0.2': 'EVENT_RESOURCE_LIST' },
    resource: 'resources/templates/list',
    summary: 'Listed resource templates',
  })
  static readonly listResourceTemplates: NoSubject;

  @operation({
    method: 'resources/subscribe',
    event: { documented: 'EVENT_CONTEXT_ACCESS', '0.2': 'EVENT_RESOURCE_READ' },
    resource: '{uri}',
    summary: 'Subscribed to a resource',
  })
  static subscribeResource(params: Params): Subject {
    return { uri: text(params['uri']) };
  }

  @operation({
    method: 'resources/unsubscribe',
    event: { documented: 'EVENT_CONTEXT_ACCESS', '0.2': 'EVENT_RESOURCE_READ' },
    resource: '{uri}',
    summary: 'Unsubscribed from a resource',
  })
  static unsubscribeResource(params: Params): Subject {
    return { uri: text(params['uri']) };
  }

  @operation({
    method: 'subscriptions/listen',
    event: { documented: 'EVENT_CONTEXT_ACCESS', '0.2': 'EVENT_RESOURCE_READ' },
    resource: ({ uri }) => uri ?? 'subscriptions/listen',
    summary: 'Listened for changes',
  })
  static listen(params: Params): Subject {
    // The client's method gets the filter itself; a request has it under `notifications`.
    const filter = (params['notifications'] ?? params) as Params;
    const uris: unknown = filter['resourceSubscriptions'];
    const only: unknown = Array.isArray(uris) && uris.length === 1 ? uris[0] : undefined;
    return { uri: text(only), arguments: filter };
  }

  @operation({
    method: 'completion/complete',
    event: 'EVENT_PROMPT_EXECUTION',
    resource: ({ uri, promptName }) => uri ?? `prompts/${promptName ?? 'unknown name'}`,
    summary: 'Asked for a completion',
  })
  static complete(params: Params): Subject {
    const ref = params['ref'] as Params | undefined;
    return { uri: text(ref?.['uri']), promptName: text(ref?.['name']), arguments: params['argument'] };
  }

  @operation({
    method: 'logging/setLevel',
    event: 'EVENT_CONFIG_CHANGE',
    resource: 'logging/setLevel',
    summary: 'Set the logging level of the server',
  })
  static readonly setLoggingLevel: NoSubject;

  @operation({ ...TASK_ROW, method: 'tasks/get', summary: 'Looked at a task' })
  static getTask(params: Params): Subject {
    return { taskId: text(params['taskId']) };
  }

  @operation({ ...TASK_ROW, method: 'tasks/result', summary: 'Fetched the result of a task' })
  static getTaskResult(params: Params): Subject {
    return { taskId: text(params['taskId']) };
  }

  @operation({ ...TASK_ROW, method: 'tasks/cancel', summary: 'Cancelled a task' })
  static cancelTask(params: Params): Subject {
    return { taskId: text(params['taskId']) };
  }

  @operation({ ...TASK_ROW, method: 'tasks/list', resource: 'tasks/list', summary: 'Listed tasks' })
  static readonly listTasks: NoSubject;
}

/**
 * What a server may ask of its client, by the name of the server's method. The subject has the request's parameters, and never the
 * content of a conversation.
 */
class ServerRequests {
  @operation({
    method: 'sampling/createMessage',
    event: { documented: 'EVENT_MODEL_INFERENCE', '0.2': 'EVENT_SAMPLING_REQUEST' },
    resource: 'sampling/createMessage',
    summary: 'The server asked for a sample of the model',
  })
  static createMessage(params: Params): Subject {
    const { messages, tools } = params;
    return {
      arguments: {
        ...pick(params, ['modelPreferences', 'includeContext', 'maxTokens', 'toolChoice']),
        ...(Array.isArray(messages) && { messages: messages.length }),
        ...(Array.isArray(tools) && { tools: tools.map((tool) => text((tool as Params)['name'])) }),
      },
    };
  }

  @operation({
    method: 'elicitation/create',
    event: 'EVENT_AGENT_DECISION',
    resource: 'elicitation/create',
    summary: 'The server asked the user for information',
  })
  static elicitInput(params: Params): Subject {
    const asked = ['mode', 'message', 'requestedSchema', 'url', 'elicitationId'];
    return { arguments: pick(params, asked) };
  }

  @operation({
    method: 'roots/list',
    event: 'EVENT_RESOURCE_ACCESS',
    resource: 'roots/list',
    summary: 'The server asked for the roots',
  })
  static readonly listRoots: NoSubject;
}

function pick(params: Params, keys: readonly string[]): Params {
  return Object.fromEntries(keys.filter((key) => params[key] !== undefined).map((key) => [key, params[key]]));
}

/** The operations by the name of the client's method. */
export const OPERATIONS: ReadonlyMap<string, Operation> = operationsOf(ClientOperations);

/** The end of a session that was not closed: the transport was lost, or the process ended. */
export const SESSION_LOST: Operation = prepare({
  method: 'close',
  event: { documented: 'EVENT_LOGOUT', '0.2': 'EVENT_TRANSPORT_DISCONNECT' },
  resource: 'session/close',
  summary: 'Lost the session',
});

/** A session that a server takes up without a handshake: another process, or another instance of the server, had that. */
export const SESSION_RESUMED: Operation = prepare({
  method: 'resume',
  event: { documented: 'EVENT_LOGIN', '0.2': 'EVENT_TRANSPORT_CONNECT' },
  resource: 'session/resume',
  summary: 'Resumed a session that was opened elsewhere',
});

const byMethod = new Map(
  [...OPERATIONS.values(), ...operationsOf(ServerRequests).values()].map((row) => [row.method, row]),
);

/** Longer names of methods are cut: they come from the server or the caller, and become names of spans. */
const MAX_METHOD_LENGTH = 200;

/** The name of a method for records and spans, whatever the value is. */
export function methodName(method: unknown): string {
  return typeof method === 'string' && method !== '' ? method.slice(0, MAX_METHOD_LENGTH) : 'unknown method';
}

/** The operation of a protocol's method; methods outside of the tables have one too. */
export function operationFor(method: string): Operation {
  const known = byMethod.get(method);
  if (known !== undefined) return known;
  const name = methodName(method);
  if (name.startsWith('tasks/'))
    return prepare({ ...TASK_ROW, method: name, summary: `Requested ${name}` }, (params) => ({
      taskId: text(params['taskId']),
      arguments: params,
    }));
  const verb = name.startsWith('notifications/') ? 'Sent' : 'Requested';
  return prepare(
    { method: name, event: 'EVENT_RESOURCE_ACCESS', resource: name, summary: `${verb} ${name}` },
    (params) => ({ uri: text(params['uri']), arguments: params }),
  );
}
