import { operation, operationsOf, prepare, type Operation, type Subject } from './operation.js';

type Params = Record<string, unknown>;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const TASK_ROW = { event: 'EVENT_TOOL_INVOCATION', resource: 'tasks/{task}' } as const;

/**
 * The table of operations: which method of the SDK's `Client` is which operation of the protocol, which event it is in the
 * compliance log schema, and what it acts on. Declared here and nowhere else; the wrapping loop reads it.
 */
class ClientOperations {
  @operation({
    method: 'initialize',
    event: { documented: 'EVENT_LOGIN', '0.2': 'EVENT_MCP_INITIALIZE' },
    resource: 'session/initialize',
    summary: 'Opened a session',
  })
  static connect(): Subject {
    return {};
  }

  @operation({
    method: 'tools/list',
    event: { documented: 'EVENT_TOOL_INVOCATION', '0.2': 'EVENT_TOOL_LIST' },
    resource: 'tools/list',
    summary: 'Listed tools',
  })
  static listTools(): Subject {
    return {};
  }

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
  static listResources(): Subject {
    return {};
  }

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
  static listPrompts(): Subject {
    return {};
  }

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
  static close(): Subject {
    return {};
  }

  @operation({
    method: 'ping',
    event: { documented: 'EVENT_RESOURCE_ACCESS', '0.2': 'EVENT_MCP_PING' },
    resource: 'session/ping',
    summary: 'Pinged the server',
  })
  static ping(): Subject {
    return {};
  }

  @operation({
    method: 'resources/templates/list',
    event: { documented: 'EVENT_RESOURCE_ACCESS', '0.2': 'EVENT_RESOURCE_LIST' },
    resource: 'resources/templates/list',
    summary: 'Listed resource templates',
  })
  static listResourceTemplates(): Subject {
    return {};
  }

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
  static setLoggingLevel(): Subject {
    return {};
  }

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
  static listTasks(): Subject {
    return {};
  }
}

/** The operations by the name of the client's method. */
export const OPERATIONS: ReadonlyMap<string, Operation> = operationsOf(ClientOperations);

const byMethod = new Map([...OPERATIONS.values()].map((operation) => [operation.method, operation]));

/** A method's name comes from the caller; a longer one than this is cut, since it becomes a span's name. */
const MAX_METHOD_LENGTH = 200;

/** The operation for a method of the protocol that was requested by name; any other than those of the table has one too. */
export function operationFor(method: string): Operation {
  const known = byMethod.get(method);
  if (known !== undefined) return known;
  const name = method.slice(0, MAX_METHOD_LENGTH);
  return prepare(
    { method: name, event: 'EVENT_RESOURCE_ACCESS', resource: name, summary: `Requested ${name}` },
    (params) => ({ uri: text(params['uri']), arguments: params }),
  );
}
