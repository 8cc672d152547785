import type { RefusedError } from '../errors.js';
import { shared } from '../internal/shared.js';
import type { OperationDetail } from './detail.js';

/**
 * Something that writes operations down. The capture side calls these in order: `begin` and `admit` before anything is
 * sent, `intent` where it is needed, `complete` once at the end. None of them throws, but for {@link OperationRecorder.propagatesTo}.
 */
export interface OperationRecorder {
  /** The log that it writes to: recorders of several clients may share one. */
  readonly log: object;
  /** Called in the caller's own context, so that an actor resolver sees it. */
  begin(detail: OperationDetail): void;
  /** Why the operation must not be made; a promise while that is being decided, undefined where it may. */
  admit(detail: OperationDetail): RefusedError | Promise<RefusedError | undefined> | undefined;
  /** Takes the tools that an operation listed, whole or a page of them. */
  listed(detail: OperationDetail, tools: readonly unknown[]): void;
  /** Whether requests to the server of this address may carry the trace context. May throw what a user's function throws. */
  propagatesTo(serverAddress: string | undefined): boolean;
  /** Whether the operation must wait for {@link OperationRecorder.intent}. */
  readonly needsIntent: boolean;
  /** Makes the intent durable; rejects with `AuditUnavailableError`, and then nothing may be sent. */
  intent(detail: OperationDetail): Promise<void>;
  /**
   * Records the end. Safe to call twice: a span processor may have done it already. The promise says when the caller may
   * go on, and rejects with `SinkError`.
   */
  complete(detail: OperationDetail): Promise<void>;
}

const live = shared('recorders', () => ({ list: [] as readonly OperationRecorder[] }));

/** Recorders that take part in every operation which no recorder has claimed for itself. */
export function liveRecorders(): readonly OperationRecorder[] {
  return live.list;
}

/** Makes a recorder take part from now on. */
export function enlist(recorder: OperationRecorder): void {
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
