import { types } from 'node:util';
import type { ProxyTracerProvider } from '@opentelemetry/api';
import { shared } from '../internal/shared.js';
import type { OperationRecorder } from './operation.js';

const live = shared('recorders', () => ({ list: [] as readonly OperationRecorder[] }));

/** What opens a log for the first operation of a client or of a server; false where it waits for one of a client. */
type Open = (side: 'client' | 'server') => boolean;

/** What opens logs once they are needed. */
const unopened = shared('unopened', () => new Set<Open>());

/**
 * Opens a log when the first operation asks who records it. A process that makes none, such as a launcher or a worker of a build,
 * then takes no lock, makes no file and writes no record.
 *
 * @returns a function that takes this back.
 */
export function openWhenNeeded(open: Open): () => void {
  unopened.add(open);
  return () => unopened.delete(open);
}

/** Recorders of all operations whose client or server has no recorder of its own. */
export function liveRecorders(side: 'client' | 'server' = 'client'): readonly OperationRecorder[] {
  if (unopened.size > 0) {
    const opening = [...unopened];
    unopened.clear();
    for (const open of opening) if (!open(side)) unopened.add(open);
  }
  return live.list;
}

/** Adds a recorder to these. */
function enlist(recorder: OperationRecorder): void {
  live.list = [...live.list, recorder];
}

/** Removes a recorder. Operations that are under way still reach it. */
export function discharge(recorder: OperationRecorder): void {
  live.list = live.list.filter((other) => other !== recorder);
}

/** Recorders that have clients of their own. Weak references, so that a client can be collected with its recorder. */
const claiming = shared('claiming', () => {
  const references = new Set<WeakRef<OperationRecorder>>();
  const collected = new FinalizationRegistry<WeakRef<OperationRecorder>>((reference) =>
    references.delete(reference),
  );
  return { references, collected };
});

/** Notes a recorder of one client. */
export function enlistClaiming(recorder: OperationRecorder): void {
  const reference = new WeakRef(recorder);
  claiming.references.add(reference);
  claiming.collected.register(recorder, reference);
}

/** Removes all such recorders of one log. */
export function dischargeClaiming(log: object): void {
  for (const reference of claiming.references)
    if (reference.deref()?.log === log) claiming.references.delete(reference);
}

/** One recorder for each log of such clients. */
export function claimingRecorders(): readonly OperationRecorder[] {
  const byLog = new Map<object, OperationRecorder>();
  for (const reference of claiming.references) {
    const recorder = reference.deref();
    if (recorder !== undefined && !byLog.has(recorder.log)) byLog.set(recorder.log, recorder);
  }
  return [...byLog.values()];
}

/** Processors that no tracer provider is known to have, with their recorders. */
const idle = shared('idleProcessors', () => new Map<object, OperationRecorder>());

/** The processors that were looked for in each provider. Its processors do not change, so that one look is enough. */
const searched = shared('searchedProviders', () => new WeakMap<object, WeakSet<object>>());

/** How far a provider is searched. Its processors are two objects deep; those inside of a user's own processor are deeper. */
const MAX_DEPTH = 6;
const MAX_OBJECTS = 2_000;

/** Makes a processor wait until a tracer provider is known to have it. */
export function awaitProvider(processor: object, recorder: OperationRecorder): void {
  idle.set(processor, recorder);
}

/** Makes a processor record: a tracer provider has it, or its owner has enabled it. */
export function takePart(processor: object): void {
  const recorder = idle.get(processor);
  if (recorder === undefined) return;
  idle.delete(processor);
  enlist(recorder);
}

/** Ends the waiting. */
export function leave(processor: object): void {
  idle.delete(processor);
}

/** Recorders of the processors that no tracer provider is known to have. */
export function idleRecorders(): readonly OperationRecorder[] {
  return [...idle.values()];
}

/**
 * Makes the processors of a provider record. A provider first calls its processors when a span begins, and never where a sampler drops
 * all spans; so they are searched for among its properties. A processor in a private field of another one records from the first
 * span that reaches it.
 */
export function lookInto(provider: object): void {
  if (idle.size === 0) return;
  const sdk = delegateOf(provider);
  const wanted = [...idle.keys()].filter((processor) => searched.get(sdk)?.has(processor) !== true);
  if (wanted.length === 0) return;
  const known = searched.get(sdk) ?? new WeakSet();
  searched.set(sdk, known);
  for (const processor of wanted) known.add(processor);
  const found = within(sdk);
  for (const processor of wanted) if (found.has(processor)) takePart(processor);
}

/** The provider behind the API's global one, which is a proxy. */
function delegateOf(provider: object): object {
  const { getDelegate } = provider as Partial<ProxyTracerProvider>;
  return typeof getDelegate === 'function' ? getDelegate.call(provider) : provider;
}

/** Objects that can be reached from one through its own properties, without a call of a getter or a trap. */
function within(root: object): ReadonlySet<object> {
  const seen = new Set<object>([root]);
  let level: object[] = [root];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const next: object[] = [];
    for (const each of level) {
      for (const value of valuesOf(each)) {
        if (seen.size >= MAX_OBJECTS) return seen;
        if (seen.has(value)) continue;
        seen.add(value);
        next.push(value);
      }
    }
    level = next;
  }
  return seen;
}

function valuesOf(object: object): object[] {
  if (types.isProxy(object) || ArrayBuffer.isView(object)) return [];
  return Object.values(Object.getOwnPropertyDescriptors(object))
    .map(({ value }): unknown => value)
    .filter((value): value is object => typeof value === 'object' && value !== null);
}
