import { shared } from '../internal/shared.js';

/** What a log makes before its first record, and whether this process has an MCP client that there will be records of. */
const state = shared('ahead', () => ({ expectsRecords: false, waiting: new Set<() => void>() }));

/**
 * Has something made before the first record asks for it: when the MCP SDK is loaded, or now if it is. A login must not hold up the
 * program's event loop for what start-up can do, and a program that never loads the SDK pays nothing.
 *
 * @returns a function that takes it back.
 */
export function makeAhead(make: () => void): () => void {
  if (state.expectsRecords) make();
  else state.waiting.add(make);
  return () => state.waiting.delete(make);
}

/** Says that there is a client to be audited: whatever waits is made now. */
export function expectRecords(): void {
  state.expectsRecords = true;
  for (const make of state.waiting) make();
  state.waiting.clear();
}
