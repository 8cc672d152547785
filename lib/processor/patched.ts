import { shared } from '../internal/shared.js';

/** A class of MCP clients whose operations are seen, and how that came about. */
export interface PatchedClass {
  /** What asked for it: `withLogging`, `instrumentation` (also by `register` and `hook`) or `instrumentClient`. */
  readonly how: 'withLogging' | 'instrumentation' | 'instrumentClient';
  /** The package that the class is from. */
  readonly sdk: string;
  /** Its version, where the way it was loaded tells. */
  readonly version?: string | undefined;
  /** The methods that are wrapped. */
  readonly methods: readonly string[];
}

const patched = shared('patched', () => new Map<string, PatchedClass>());

/** Notes what was patched, for the record that a log begins with. */
export function notePatched(found: PatchedClass): void {
  const key = (version: string | undefined) => [found.how, found.sdk, version].join(' ');
  const ofAnyVersion = [...patched.values()].some(({ how, sdk }) => how === found.how && sdk === found.sdk);
  // A class may be patched before it is known which copy it is from, and again afterwards.
  if (found.version === undefined && ofAnyVersion) return;
  patched.delete(key(undefined));
  patched.set(key(found.version), found);
}

/** What has been patched in this process so far. */
export function patchedClasses(): readonly PatchedClass[] {
  return [...patched.values()];
}
