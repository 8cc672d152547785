import type { Context, RootHookObject } from 'mocha';

/**
 * Holds every spec file to leaving the process as it found it, so that no test depends on which files ran before: what is
 * still registered, patched or set after the last test of a file fails that file, by name.
 */
export const mochaHooks: RootHookObject = {
  beforeAll(this: Context) {
    let before = state();
    for (const suite of this.test?.parent?.suites ?? []) {
      suite.afterAll('leaves nothing behind', () => {
        const after = state();
        const left = Object.keys(after).filter((what) => after[what] !== before[what]);
        const found = left.map((what) => `${what} (${String(before[what])}, now ${String(after[what])})`);
        before = after;
        if (left.length > 0) throw new Error(`this file leaves behind: ${found.join('; ')}`);
      });
    }
  },
};

/** What spec files share, each under the name that a person would look for. */
function state(): Record<string, unknown> {
  return {
    ...ofThisPackage(),
    ...ofOpenTelemetry(),
    ...listeners(),
    ...functions(),
    ...Object.fromEntries(Object.entries(process.env).map(([name, value]) => [`process.env.${name}`, value])),
    'the working directory': process.cwd(),
  };
}

/** Recorders and sources of spans, wherever this package keeps them: in properties of the global object that its name begins. */
function ofThisPackage(): Record<string, unknown> {
  const shared = (name: string) =>
    Object.getOwnPropertySymbols(globalThis)
      .filter(({ description = '' }) => description.startsWith('otel-mcp-log/') && description.endsWith(name))
      .map((symbol) => Reflect.get(globalThis, symbol) as unknown);
  const recorders = shared('/recorders') as { list: readonly unknown[] }[];
  const idle = shared('/idleProcessors') as ReadonlyMap<unknown, unknown>[];
  const sources = shared('/sources') as ReadonlySet<unknown>[];
  return {
    'span processors that were not shut down': [
      ...recorders.map(({ list }) => list.length),
      ...idle.map(({ size }) => size),
    ].reduce((sum, count) => sum + count, 0),
    'instrumentations that are still enabled': sources.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Providers, propagators and loggers that are registered globally. */
function ofOpenTelemetry(): Record<string, unknown> {
  const registered: Record<string, unknown> = {};
  for (const key of ['opentelemetry.js.api.1', 'io.opentelemetry.js.api.logs']) {
    const api = Reflect.get(globalThis, Symbol.for(key)) as object | undefined;
    registered[`OpenTelemetry's ${key}`] = Object.keys(api ?? {})
      .filter((name) => name !== 'version')
      .join();
  }
  return registered;
}

const EVENTS = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'beforeExit',
  'exit',
  'uncaughtException',
  'unhandledRejection',
];

/**
 * The listeners that end open sessions and open logs, that write what is left, and that remove what the first test installed or packed for all
 * of them, stay for as long as the process lives.
 */
const FOR_LIFE = ['endAllSessions', 'ranEmpty', 'writeAll', 'removePacked', 'removeDuckDb'];

function listeners(): Record<string, unknown> {
  return Object.fromEntries(
    EVENTS.map((event) => [
      `listeners of ${event}`,
      process.listeners(event as 'exit').filter(({ name }) => !FOR_LIFE.includes(name)).length,
    ]),
  );
}

/** What tests put doubles in the place of. */
function functions(): Record<string, unknown> {
  return {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    fetch: globalThis.fetch,
    Date: globalThis.Date,
    'performance.now': performance.now,
    'Math.random': Math.random,
    'process.stdout.write': process.stdout.write,
    'process.stderr.write': process.stderr.write,
  };
}
