import { types } from 'node:util';
import type { ProxyTracerProvider } from '@opentelemetry/api';
import { shared } from '../internal/shared.js';
import type { OperationRecorder } from './operation.js';

const live = shared('recorders', () => ({ list: [] as readonly OperationRecorder[] }));

/** Recorders that take part in every operation which no recorder has claimed for itself. */
export function liveRecorders(): readonly OperationRecorder[] {
  return live.list;
}

/** Makes a recorder take part from now on. */
function enlist(recorder: OperationRecorder): void {
  live.list = [...live.list, recorder];
}

/** Ends that. Operations under way still reach it. */
export function discharge(recorder: OperationRecorder): void {
  live.list = live.list.filter((other) => other !== recorder);
}

/** Recorders that have clients of their own. Weakly held, as their clients are the application's. */
const claiming = shared('claiming', () => {
  const references = new Set<WeakRef<OperationRecorder>>();
  const collected = new FinalizationRegistry<WeakRef<OperationRecorder>>((reference) =>
    references.delete(reference),
  );
  return { references, collected };
});

/** Notes a recorder that takes part in the operations of one client. */
export function enlistClaiming(recorder: OperationRecorder): void {
  const reference = new WeakRef(recorder);
  claiming.references.add(reference);
  claiming.collected.register(recorder, reference);
}

/** Ends that for all recorders of one log. */
export function dischargeClaiming(log: object): void {
  for (const reference of claiming.references)
    if (reference.deref()?.log === log) claiming.references.delete(reference);
}

/** One recorder for each log that clients of their own write to. */
export function claimingRecorders(): readonly OperationRecorder[] {
  const byLog = new Map<object, OperationRecorder>();
  for (const reference of claiming.references) {
    const recorder = reference.deref();
    if (recorder !== undefined && !byLog.has(recorder.log)) byLog.set(recorder.log, recorder);
  }
  return [...byLog.values()];
}

/** Processors that were made, and that no tracer provider was seen to have; with what they record by. */
const idle = shared('idleProcessors', () => new Map<object, OperationRecorder>());

/** In which providers each was looked for: what a provider is made with does not change, so that once is enough. */
const searched = shared('searchedProviders', () => new WeakMap<object, WeakSet<object>>());

/** How much of a provider is looked through: its processors lie two objects deep, those in a processor of the user's own deeper. */
const MAX_DEPTH = 6;
const MAX_OBJECTS = 2_000;

/** Has a processor wait until a tracer provider is seen to have it. */
export function awaitProvider(processor: object, recorder: OperationRecorder): void {
  idle.set(processor, recorder);
}

/** A tracer provider has this processor, or its owner wants it to record without one: it takes part from now on. */
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

/** Recorders of the processors that no tracer provider was seen to have. */
export function idleRecorders(): readonly OperationRecorder[] {
  return [...idle.values()];
}

/**
 * Has those processors take part that this provider was made with. A provider tells its processors nothing until a span
 * begins, and where a sampler drops all spans it never does; so they are looked for among its own properties. A processor that
 * another one hides in a private field takes part with the first span that reaches it.
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

/** The API's global provider is a proxy, which stands for whatever is registered. */
function delegateOf(provider: object): object {
  const { getDelegate } = provider as Partial<ProxyTracerProvider>;
  return typeof getDelegate === 'function' ? getDelegate.call(provider) : provider;
}

/** Objects that can be reached from one by own properties; no getter is asked, and no trap of a Proxy. */
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
