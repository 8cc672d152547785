/** How bad a finding is: `ok` and `info` need no action, a `warning` should be checked, an `error` loses records. */
export type Severity = 'ok' | 'info' | 'warning' | 'error';

interface Topic {
  readonly severity: Severity;
  /** What it means; the documentation has the same words. */
  readonly meaning: string;
  /** What to do; absent where there is nothing to do. */
  readonly remedy?: string;
}

/** Everything that the doctor can find. `docs/troubleshooting.md` has a section for each; a test compares the two. */
export const TOPICS = {
  'node-too-old': {
    severity: 'error',
    meaning: 'This Node.js is older than the package supports.',
    remedy: 'Run Node.js 20.6 or later; OpenTelemetry 3.x needs 22.15 or later.',
  },
  'no-module-hooks': {
    severity: 'warning',
    meaning:
      'This runtime is not Node.js and has no module hooks, so no client is patched when it is loaded.',
    remedy: 'Wrap clients with `withLogging`, or call `instrumentClient(Client)`; see `docs/runtimes.md`.',
  },
  'package-missing': {
    severity: 'error',
    meaning: 'The application cannot resolve `otel-mcp-log` from this folder.',
    remedy: 'Install it there: `npm install otel-mcp-log @opentelemetry/api`.',
  },
  'sdk-missing': {
    severity: 'warning',
    meaning:
      'There is no copy of the MCP SDK in the `node_modules` of this folder or of the folders above it.',
    remedy: 'Run the doctor in the folder of the application. Where the SDK is bundled, see `bundler`.',
  },
  'sdk-patched': {
    severity: 'ok',
    meaning:
      'The doctor loaded this copy of the SDK in a process of its own, as ES module and as CommonJS, and it was patched.',
  },
  'sdk-unsupported': {
    severity: 'error',
    meaning: 'This version of the SDK is not one that can be patched.',
    remedy:
      'Use `@modelcontextprotocol/sdk` from 1.10.0, or `@modelcontextprotocol/client` and `@modelcontextprotocol/server` 2.x.',
  },
  'sdk-unpatched': {
    severity: 'error',
    meaning:
      'The doctor loaded this copy of the SDK, and it was not patched: the operations of its clients are not on record.',
    remedy: 'Call `instrumentClient(Client)` with the class that it exports.',
  },
  'server-patched': {
    severity: 'ok',
    meaning:
      'The doctor loaded the `McpServer` of this copy of the SDK in a process of its own, as ES module and as CommonJS, and it was patched: servers of this application are on record.',
  },
  'server-unpatched': {
    severity: 'error',
    meaning:
      'The doctor loaded the `McpServer` of this copy of the SDK, and it was not patched: what clients ask of its servers is not on record.',
    remedy:
      'Call `instrumentClient(Server)` and `instrumentClient(McpServer)` with the classes that it exports.',
  },
  'server-left-out': {
    severity: 'info',
    meaning:
      '`OTEL_MCP_LOG_SERVERS` is false: the clients of this application are audited, and its servers are not.',
    remedy: 'Unset the variable to have servers on record too; see `docs/servers.md`.',
  },
  'client-patched': {
    severity: 'ok',
    meaning:
      "This package has its own MCP client and does not use the SDK's. The doctor loaded it in a process of its own, and its client was patched.",
  },
  'own-client': {
    severity: 'warning',
    meaning:
      'This package has its own MCP client, which was not patched when the doctor loaded it: its module has another form than those that are known.',
    remedy:
      'Wrap what `createMCPClient` gives you with `withLogging`, which says if it cannot audit it; or put `audit()` around the calls.',
  },
  'loaded-before': {
    severity: 'error',
    meaning: 'The running process has loaded a copy of the SDK that is not patched.',
    remedy:
      'Load `otel-mcp-log/register` or your set-up before the SDK, with `--import`, or call `instrumentClient(Client)`.',
  },
  'processor-idle': {
    severity: 'error',
    meaning:
      'The running process has made an `AuditSpanProcessor`, and no tracer provider is known to use it, so it records no clients.',
    remedy:
      'Put it into the `spanProcessors` of the provider that you register, or call its `enable()` if you register none.',
  },
  'hook-missing': {
    severity: 'warning',
    meaning:
      'The running process patches CommonJS modules only, because no hook for ES modules is registered.',
    remedy: 'Load `otel-mcp-log/hook` with `--import`, before any module that loads the SDK.',
  },
  preloaded: {
    severity: 'ok',
    meaning:
      'These load `otel-mcp-log` before the application: scripts of `package.json`, files of other tools, `NODE_OPTIONS`, or its own code.',
  },
  'not-preloaded': {
    severity: 'info',
    meaning:
      'The application can be started so that nothing loads `otel-mcp-log/register` or `otel-mcp-log/hook` before it.',
    remedy: 'Run `npx otel-mcp-log init`, which says for each way of starting what to do.',
  },
  'two-hooks': {
    severity: 'warning',
    meaning:
      'Several copies of `import-in-the-middle` are installed. MCP clients are audited all the same, but other ES modules are patched only for the instrumentations that use one of the copies.',
    remedy:
      'Install one version of `@opentelemetry/instrumentation` (`npm dedupe`), or register the hook of the other copy as well.',
  },
  bundler: {
    severity: 'info',
    meaning: 'A bundler is installed. Inside a bundle, no hook sees that the SDK is loaded.',
    remedy: 'Call `instrumentClient(Client)` in the bundled code, or keep the SDK external.',
  },
  relayed: {
    severity: 'ok',
    meaning:
      'An assistant or editor starts these servers through `otel-mcp-log relay`, which puts what passes on record.',
  },
  'not-relayed': {
    severity: 'info',
    meaning:
      'An assistant or editor of this user has these servers without a relay: what it asks of them is not on record.',
    remedy:
      '`npx otel-mcp-log init --assistants` shows what puts a relay before them, and says why for those that it leaves; for those that log in over HTTP see `docs/relay.md`.',
  },
  'otel-none': {
    severity: 'info',
    meaning:
      'No OpenTelemetry SDK is installed. Records are written all the same, each with a trace id of its own.',
  },
  'otel-found': { severity: 'ok', meaning: 'This OpenTelemetry SDK makes the spans.' },
  'otel-api-copies': {
    severity: 'warning',
    meaning:
      'Several versions of `@opentelemetry/api` are installed. A version newer than the one that registered the provider does not see its spans.',
    remedy: 'Install one version, with `npm dedupe` or with `overrides` in `package.json`.',
  },
  'otel-mixed': {
    severity: 'warning',
    meaning: 'OpenTelemetry 2.x and 3.x are both installed. The one that registers first makes the spans.',
    remedy: 'Keep the packages of one major version. Records are complete either way.',
  },
  'not-sampled': {
    severity: 'info',
    meaning:
      'OpenTelemetry is configured to drop or cut spans. Records stay complete: they depend on no sampler and no limit.',
  },
  config: {
    severity: 'error',
    meaning: 'A variable has a value that cannot work, and `otel-mcp-log/register` would stop the start-up.',
    remedy: 'Correct it; `docs/register.md` lists the variables.',
  },
  unconfigured: {
    severity: 'info',
    meaning: 'No `OTEL_MCP_LOG_` variable is set, so the doctor does not know which sinks to check.',
    remedy: 'Run the doctor with the environment of the application.',
  },
  'sink-ok': { severity: 'ok', meaning: 'The sink can take records.' },
  'sink-unasked': {
    severity: 'info',
    meaning: 'The options of the sink are right. The doctor did not ask whether its receiver answers.',
  },
  'sink-unreachable': {
    severity: 'error',
    meaning: 'The receiver did not answer.',
    remedy: 'Check the address, the network and the certificate.',
  },
  'sink-refuses': {
    severity: 'error',
    meaning: 'The receiver would not take records: it answered with a redirect, or refused the credentials.',
    remedy: 'Give the final address (redirects are not followed), and the headers that it asks for.',
  },
  'file-unwritable': {
    severity: 'error',
    meaning:
      'The log file cannot be written: permission is missing, the folder is missing, or the path is not a regular file.',
    remedy:
      'Choose a path in a folder that belongs to the user of the process. Links, pipes and folders are refused.',
  },
  'file-mode': {
    severity: 'warning',
    meaning: 'Users other than its owner may read or write the log file.',
    remedy:
      'Run `chmod 600` on it. The sink narrows the mode when it opens the file, but others may have read it before.',
  },
  'folder-mode': {
    severity: 'warning',
    meaning: 'Other users may write in the folder of the log, and could replace the file.',
    remedy: 'Run `chmod go-w` on the folder, or keep the log in a folder of its own with mode 0700.',
  },
} as const satisfies Record<string, Topic>;

/** What a finding is about. */
export type TopicName = keyof typeof TOPICS;

/** One finding of the doctor. */
export interface DoctorFinding {
  /** What it is about; docs/troubleshooting.md has a section for each. */
  readonly topic: TopicName;
  /** How bad it is; the worst decides the exit code of the command. */
  readonly severity: Severity;
  /** What was found, and where. Holds no secret. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** Makes a finding; its severity and remedy follow from its topic. */
export function finding(topic: TopicName, message: string): DoctorFinding {
  const { severity, remedy }: Topic = TOPICS[topic];
  return { topic, severity, message, ...(remedy !== undefined && { remedy }) };
}
