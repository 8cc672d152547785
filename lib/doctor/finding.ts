/** How bad a finding is: `ok` and `info` need nothing done, `warning` should be looked at, `error` loses records. */
export type Severity = 'ok' | 'info' | 'warning' | 'error';

interface Topic {
  readonly severity: Severity;
  /** What it means, for the documentation and for whoever asks. */
  readonly meaning: string;
  /** What to do; absent where there is nothing to do. */
  readonly remedy?: string;
}

/** Everything that the doctor can find. `docs/troubleshooting.md` has a section for each, and a test compares them. */
export const TOPICS = {
  'node-too-old': {
    severity: 'error',
    meaning: 'This Node.js is older than the package supports.',
    remedy: 'Run Node.js 20.6 or later; OpenTelemetry 3.x needs 22.15 or later.',
  },
  'no-module-hooks': {
    severity: 'warning',
    meaning:
      'This runtime takes the place of Node.js and has no module hooks: no client is patched as it is loaded.',
    remedy: 'Wrap clients with `withLogging`, or call `instrumentClient(Client)`; see `docs/runtimes.md`.',
  },
  'package-missing': {
    severity: 'error',
    meaning: 'The application cannot resolve `otel-mcp-log` from this folder.',
    remedy: 'Install it there: `npm install otel-mcp-log @opentelemetry/api`.',
  },
  'sdk-missing': {
    severity: 'warning',
    meaning: 'No copy of the MCP SDK lies in the `node_modules` of this folder or above it.',
    remedy: 'Run the doctor in the folder of the application. Where the SDK is bundled, see `bundler`.',
  },
  'sdk-patched': {
    severity: 'ok',
    meaning:
      'This copy of the SDK was loaded in a process of its own, as ES module and as CommonJS, and was patched.',
  },
  'sdk-unsupported': {
    severity: 'error',
    meaning: 'This version of the SDK is outside of what is patched.',
    remedy: 'Use `@modelcontextprotocol/sdk` from 1.10.0, or `@modelcontextprotocol/client` 2.x.',
  },
  'sdk-unpatched': {
    severity: 'error',
    meaning:
      'This copy of the SDK was loaded and not patched: the operations of its clients are not on record.',
    remedy: 'Call `instrumentClient(Client)` with the class that it exports.',
  },
  'own-client': {
    severity: 'warning',
    meaning:
      "This package has an MCP client of its own, in place of the SDK's. What is done through it is not on record.",
    remedy:
      "Connect with the SDK's `Client` and hand its tools to the framework, or put `audit()` around the calls.",
  },
  'loaded-before': {
    severity: 'error',
    meaning: 'The running process has loaded a copy of the SDK that nobody has patched.',
    remedy:
      'Load `otel-mcp-log/register` or your set-up first, with `--import`; or call `instrumentClient(Client)`.',
  },
  'processor-idle': {
    severity: 'error',
    meaning:
      'The running process has made an `AuditSpanProcessor` that no tracer provider was seen to have, so that it does not record clients.',
    remedy:
      'Give it to the `spanProcessors` of the provider that is registered, or call its `enable()` where there is none.',
  },
  'hook-missing': {
    severity: 'warning',
    meaning: 'The running process patches CommonJS only: no hook for ES modules is registered.',
    remedy: 'Load `otel-mcp-log/hook` with `--import` before anything that loads the SDK.',
  },
  'not-preloaded': {
    severity: 'info',
    meaning:
      'Neither `NODE_OPTIONS` nor a script of `package.json` loads `otel-mcp-log/register` or `otel-mcp-log/hook`.',
    remedy: 'Start with `node --import otel-mcp-log/register`, unless a file that you preload does it.',
  },
  'two-hooks': {
    severity: 'warning',
    meaning:
      'There are several copies of `import-in-the-middle`. MCP clients are audited all the same; other ES modules are patched for the instrumentations of one copy only.',
    remedy:
      'Install one version of `@opentelemetry/instrumentation` for all (`npm dedupe`), or register the hook of the other copy as well.',
  },
  bundler: {
    severity: 'info',
    meaning: 'A bundler is installed. Inside a bundle, no hook sees the SDK being loaded.',
    remedy: 'Call `instrumentClient(Client)` in the bundled code, or keep the SDK external.',
  },
  'otel-none': {
    severity: 'info',
    meaning:
      'No OpenTelemetry SDK is installed. Records are written all the same, each with a trace id of its own.',
  },
  'otel-found': { severity: 'ok', meaning: 'The OpenTelemetry SDK that spans are made with.' },
  'otel-api-copies': {
    severity: 'warning',
    meaning:
      'Several versions of `@opentelemetry/api` are installed. One older than the one that registered sees the spans; one newer does not.',
    remedy: 'Install one version for all: `npm dedupe`, or `overrides` in `package.json`.',
  },
  'otel-mixed': {
    severity: 'warning',
    meaning: 'OpenTelemetry 2.x and 3.x are both installed. Whichever registers first makes the spans.',
    remedy: 'Keep the packages of one line. Records are complete either way.',
  },
  'not-sampled': {
    severity: 'info',
    meaning:
      'Spans are dropped or cut by the configuration of OpenTelemetry. Records are not: they depend on no sampler and no limit.',
  },
  config: {
    severity: 'error',
    meaning: 'A variable cannot work, so that `otel-mcp-log/register` would stop the start-up.',
    remedy: 'Set it right; `docs/register.md` lists the variables.',
  },
  unconfigured: {
    severity: 'info',
    meaning: 'No `OTEL_MCP_LOG_` variable is set, so sinks could not be looked at.',
    remedy: 'Run the doctor with the environment of the application.',
  },
  'sink-ok': { severity: 'ok', meaning: 'The sink can take records.' },
  'sink-unasked': {
    severity: 'info',
    meaning: 'The options of the sink are right. Whether its receiver answers was not asked.',
  },
  'sink-unreachable': {
    severity: 'error',
    meaning: 'The receiver did not answer.',
    remedy: 'Look at the address, the network and the certificate.',
  },
  'sink-refuses': {
    severity: 'error',
    meaning:
      'The receiver answered that it would not take records: a redirect, or a refusal of the credentials.',
    remedy: 'Give the final address (redirects are not followed), and the headers that it asks for.',
  },
  'file-unwritable': {
    severity: 'error',
    meaning:
      'The log file cannot be written: no permission, no folder, or something that is no regular file.',
    remedy:
      'Give a path in a folder that belongs to the user of the process; links, pipes and folders are refused.',
  },
  'file-mode': {
    severity: 'warning',
    meaning: 'Others than its owner may read or write the log file.',
    remedy:
      'Run `chmod 600` on it. The sink narrows the mode when it opens the file, but what was read was read.',
  },
  'folder-mode': {
    severity: 'warning',
    meaning: 'Others may write in the folder of the log, and so replace the file.',
    remedy: 'Run `chmod go-w` on the folder, or use one of its own with mode 0700.',
  },
} as const satisfies Record<string, Topic>;

/** What a finding is about. */
export type TopicName = keyof typeof TOPICS;

/** One finding of the doctor. */
export interface Finding {
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
export function finding(topic: TopicName, message: string): Finding {
  const { severity, remedy }: Topic = TOPICS[topic];
  return { topic, severity, message, ...(remedy !== undefined && { remedy }) };
}
