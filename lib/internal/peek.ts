/** Reads a property of anything; a getter or a Proxy that throws counts as absent. */
export function peek(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    // Many times a call: `Reflect.get` is no inline cache but a call into the engine.
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** The same for a text; one that is empty counts as absent. */
export function peekText(value: unknown, key: string): string | undefined {
  const found = peek(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** Calls a method without arguments, if it is there, and gives undefined for whatever goes wrong. */
export function peekCall(value: unknown, key: string): unknown {
  const method = peek(value, key);
  if (typeof method !== 'function') return undefined;
  try {
    return Reflect.apply(method, value, []);
  } catch {
    return undefined;
  }
}
