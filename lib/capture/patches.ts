import { shared } from '../internal/shared.js';
import type { Method } from './client.js';
import { currentSource, type SpanSource } from './source.js';

/** Who asked for a patch: a source of spans, or what stands for all clients that `withLogging` wrapped. */
export type PatchHolder = Pick<SpanSource, 'copy'>;

/** A method as it was, and our wrapper in its place. */
interface PatchedMethod {
  readonly own: PropertyDescriptor | undefined;
  readonly wrapper: Method;
}

/** The patch of one class. */
export interface Patch {
  /** Who asked for it, and for which classes: this one or some that are derived from it. The last one to leave takes it away. */
  readonly holders: Map<PatchHolder, Set<object>>;
  /** Our wrappers on it, by the name of the method. */
  readonly methods: Map<string, PatchedMethod>;
}

/** All patches of this process, by the prototype that carries them. */
export const patches = shared('patches', () => new WeakMap<object, Patch>());

/** Whether an object is of a class that a holder asked for. */
export function isHeldFor(client: object, scopes: ReadonlySet<object>): boolean {
  for (const scope of scopes)
    if (scope === client || Object.prototype.isPrototypeOf.call(scope, client)) return true;
  return false;
}

/** The holders of the patch that the class of a client carries. */
function holdersOf(client: object): PatchHolder[] {
  const found: PatchHolder[] = [];
  for (let link: object | null = client; link !== null; link = Object.getPrototypeOf(link) as object | null)
    for (const [holder, scopes] of patches.get(link)?.holders ?? [])
      if (isHeldFor(client, scopes)) found.push(holder);
  return found;
}

/** What the patches of a client's class say of it. */
export interface Instrumented {
  /** Whether an instrumentation covers it, and not just `withLogging` of another client of its class. */
  readonly isInstrumented: boolean;
  /**
   * The source that makes its spans. With two copies of this package in a process each has its own instrumentation, and the one
   * that patched the client's class is meant.
   */
  readonly source: SpanSource | undefined;
}

/** Who has to do with the class of a client. */
export function instrumentationOf(client: object): Instrumented {
  const holders = holdersOf(client);
  const isNear = (source: SpanSource) =>
    holders.includes(source) || holders.some(({ copy }) => copy === source.copy);
  return { isInstrumented: holders.some((holder) => isSource(holder)), source: currentSource(isNear) };
}

function isSource(holder: PatchHolder): boolean {
  return 'tracer' in holder;
}
