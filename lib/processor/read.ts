/** Reads a property of anything; a getter or Proxy that throws counts as absent, since judging must never fail a call. */
export function read(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    // Not `Reflect.get`, which is a call into the engine.
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** The same for a text that is not empty. */
export function readText(value: unknown, key: string): string | undefined {
  const found = read(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
