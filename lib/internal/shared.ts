/**
 * State that must be one per process even when this package is loaded twice (its ESM and its CommonJS build, or two
 * installed copies): an instrumentation from one copy and a processor from the other have to find each other.
 * The number is the version of the shapes kept there; it changes when they do.
 */
const PREFIX = 'otel-mcp-log/2/';

/** What the symbol is called that a key's value is kept under in the global object. */
export function sharedName(key: string): string {
  return PREFIX + key;
}

/** The process-wide value under a key, made on first use. */
export function shared<T extends object>(key: string, create: () => T): T {
  const symbol = Symbol.for(sharedName(key));
  const existing = Reflect.get(globalThis, symbol) as T | undefined;
  if (existing !== undefined) return existing;
  const value = create();
  Object.defineProperty(globalThis, symbol, { value });
  return value;
}
