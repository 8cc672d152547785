import type { RefusedError } from '../errors.js';
import { shared } from '../shared.js';
import type { OperationDetail } from './detail.js';

/**
 * Something that writes operations down. The capture side calls these in order: `begin` and `admit` before anything is
 * sent, `intent` where it is needed, `complete` once at the end. None of them throws.
 */
export interface OperationRecorder {
  /** Called in the caller's own context, so that an actor resolver sees it. */
  begin(detail: OperationDetail): void;
  /** Why the operation must not be made; a promise while that is being decided, undefined where it may. */
  admit(detail: OperationDetail): RefusedError | Promise<RefusedError | undefined> | undefined;
  /** Takes the tools that an operation listed, whole or a page of them. */
  listed(detail: OperationDetail, tools: readonly unknown[]): void;
  /** Whether the operation must wait for {@link OperationRecorder.intent}. */
  readonly needsIntent: boolean;
  /** Makes the intent durable; rejects with `AuditUnavailableError`, and then nothing may be sent. */
  intent(detail: OperationDetail): Promise<void>;
  /**
   * Records the end. Safe to call twice: a span processor may have done it already. The promise says when the caller may
   * go on, and rejects with `SinkError`.
   */
  complete(detail: OperationDetail): Promise<void>;
  /** The process ends: delivers what can be delivered without an event loop. */
  flushSync(): void;
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
