import { isMainThread } from 'node:worker_threads';
import { diag } from '@opentelemetry/api';
import { after } from '../internal/duration.js';
import { checkOptions, reject } from '../internal/options.js';
import { shared } from '../internal/shared.js';
import { say } from '../internal/stderr.js';

/** Why a log ends: `data` of its record `audit/stop`. */
export type Ending =
  /** The program shut the log down, or its tracer provider. */
  | { readonly ended_by: 'shutdown' }
  /** A signal that ends the process; a relay also ends by one that its server died of. */
  | { readonly ended_by: 'signal'; readonly signal: NodeJS.Signals }
  /** What the relay stands between is gone: its client, or its server. */
  | { readonly ended_by: 'client_closed' | 'server_exit' }
  /** `process.exit()`, or an event loop with nothing left to do; of a worker thread, its own end. */
  | {
      readonly ended_by: 'process_exit' | 'natural_exit';
      readonly exit_code: number;
      readonly thread?: 'worker';
    }
  /** An error that nothing caught. Its message may hold anything, so it is left out. */
  | {
      readonly ended_by: 'uncaught_exception' | 'unhandled_rejection';
      readonly exit_code: number;
      readonly error_type: string;
      readonly thread?: 'worker';
    };

/** A log that ends with a record of its own. */
export interface EndingLog {
  /** Whether that record is best written while there is an event loop: to be sealed, or for a sink that cannot do without one. */
  readonly needsEventLoop: boolean;
  /** Writes it, and delivers it. */
  stopSoon(ending: Ending): Promise<void>;
  /** Hands it to the sinks that write without an event loop. */
  stopNow(ending: Ending): void;
}

/** What keeps a log from ending, such as a session that is open and is put on record at the very end. */
interface OpenWork {
  readonly isOpen: boolean;
}

/**
 * The logs that have begun and have not ended. Strong references: a log that its program has forgotten ends with the process all the
 * same. Only logs that have written a record are here.
 */
const logs = new Set<EndingLog>();
let isEmpty = false;
let uncaught: { readonly origin: NodeJS.UncaughtExceptionOrigin; readonly type: string } | undefined;

/**
 * Makes a log end with the process. None of the listeners changes how a process ends.
 *
 * @returns a function that takes this back: the log has ended.
 */
export function endWithProcess(log: EndingLog): () => void {
  logs.add(log);
  if (logs.size === 1) {
    process.on('beforeExit', ranEmpty);
    process.on('uncaughtExceptionMonitor', noteUncaught);
  }
  return () => {
    if (!logs.delete(log) || logs.size > 0) return;
    process.off('beforeExit', ranEmpty);
    process.off('uncaughtExceptionMonitor', noteUncaught);
  };
}

/** On the event `exit`, before the sinks write what they hold. */
function stopLogsNow(code: number): void {
  for (const log of logs) log.stopNow(endingOf(code));
}

const work = new Set<OpenWork>();

/** Notes what may be open when the event loop runs empty; a log does not end before it. */
export function mayBeOpen(open: OpenWork): void {
  work.add(open);
}

function ranEmpty(code: number): void {
  isEmpty = true;
  // Where a listener has found more work for the event loop, the process did not end here.
  setImmediate(() => (isEmpty = false)).unref();
  if ([...work].some(({ isOpen }) => isOpen)) return;
  // A failure is reported by the pipeline, as that of any record is.
  for (const log of logs) if (log.needsEventLoop) log.stopSoon(endingOf(code)).catch(() => undefined);
}

/** An application that catches the rest decides itself whether to end. */
function noteUncaught(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
  uncaught = { origin, type: error instanceof Error ? error.name : typeof error };
}

function endingOf(exit_code: number): Ending {
  const thread = isMainThread ? {} : ({ thread: 'worker' } as const);
  if (uncaught === undefined)
    return { ended_by: isEmpty ? 'natural_exit' : 'process_exit', exit_code, ...thread };
  const ended_by = uncaught.origin === 'unhandledRejection' ? 'unhandled_rejection' : 'uncaught_exception';
  return { ended_by, exit_code, error_type: uncaught.type, ...thread };
}

/**
 * How a log follows its process to the end.
 *
 * @see docs/delivery.md
 */
export interface LifecycleOptions {
  /** Signals on which the log delivers its records, and then lets the process die by that signal. @defaultValue SIGTERM and SIGINT; main thread only */
  readonly signals?: readonly NodeJS.Signals[];
  /**
   * How long a signal waits for the delivery.
   * @defaultValue 5,000; a container gets 10 s or more before SIGKILL
   * @minimum 1
   * @unit ms
   */
  readonly deadlineMs?: number;
}

/** A pipeline, so far as the end of its process concerns it. */
interface FollowedPipeline {
  stats(): { readonly accepted: number };
  forceFlush(): Promise<void>;
  shutdown(ending?: Ending): Promise<void>;
  saveSync(): void;
  flushSync(): void;
}

/** Functions that put something on record when a signal ends the process, before the last delivery. */
const endings = shared('endings', () => new Set<() => void>());

/** Calls a function before the last delivery, when a signal is about to end the process; once per function. */
export function beforeSignalEnds(record: () => void): void {
  endings.add(record);
}

/** The pipelines that follow the process, and how long the last delivery of each may take, in ms. */
const followers = new Map<FollowedPipeline, number>();
/** One listener per event, however many pipelines there are. */
const listeners = new Map<string, () => void>();

/**
 * Delivers the records of a pipeline when the process ends: on a signal, and when the event loop runs empty (`beforeExit`).
 * On `exit`, every pipeline writes what it can write without an event loop, whether it follows the process or not. Worker
 * threads get no signals. It is opt-in, because signals belong to the application.
 *
 * After the delivery the signal is raised again, so that the process dies as it would have without us. Where the application
 * listens to the signal too, the application decides how to end, and the pipeline stays open for its last records. Our listener
 * is off while a signal is handled: libraries such as signal-exit count the listeners, and end the process only if there are
 * no others.
 *
 * @returns a function that removes the listeners.
 * @throws ConfigError
 * @example
 * ```ts
 * const unfollow = followProcess(pipeline, { signals: ['SIGTERM'] });
 * ```
 */
export function followProcess(pipeline: FollowedPipeline, options: LifecycleOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], deadlineMs } = checkOptions(
    'LifecycleOptions',
    'lifecycle',
    options,
  );
  if (!Array.isArray(signals)) reject('lifecycle.signals', signals, 'an array of signal names');
  followers.set(pipeline, deadlineMs);
  listen('beforeExit', flushLater());
  if (isMainThread) for (const signal of signals) listen(signal, () => void stop(signal));
  return () => {
    followers.delete(pipeline);
    if (followers.size === 0) for (const event of [...listeners.keys()]) unlisten(event);
  };
}

function listen(event: string, listener: () => void): void {
  if (listeners.has(event)) return;
  listeners.set(event, listener);
  if (event.startsWith('SIG')) process.prependListener(event as NodeJS.Signals, listener);
  else process.on(event, listener);
}

function unlisten(event: string): void {
  const listener = listeners.get(event);
  if (listener !== undefined) process.off(event, listener);
  listeners.delete(event);
}

/** Node emits `beforeExit` again after any work that its listeners start, so this one starts work only for new records. */
function flushLater(): () => void {
  const seen = new WeakMap<FollowedPipeline, number>();
  return () => {
    for (const pipeline of followers.keys()) {
      const { accepted } = pipeline.stats();
      if (seen.get(pipeline) === accepted) continue;
      seen.set(pipeline, accepted);
      pipeline.forceFlush().catch(complain);
    }
  };
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  // A second signal must end the process at once, and not wait for the delivery.
  const listener = listeners.get(signal);
  unlisten(signal);
  const alone = process.listenerCount(signal) === 0;
  // The application's own listeners run next, and may end the process at once, without an `exit` event.
  if (!alone) for (const pipeline of followers.keys()) pipeline.saveSync();
  else for (const record of endings) record();
  await Promise.all(
    [...followers].map(async ([pipeline, ms]) => {
      const work = (alone ? pipeline.shutdown({ ended_by: 'signal', signal }) : pipeline.forceFlush()).catch(
        complain,
      );
      await Promise.race([work, new Promise<void>((resolve) => after(ms, resolve).unref())]);
    }),
  );
  if (alone) {
    // Node emits no `exit` event when a process dies of a signal.
    for (const pipeline of followers.keys()) pipeline.flushSync();
    process.kill(process.pid, signal);
  } else if (listener !== undefined && followers.size > 0) listen(signal, listener);
}

function complain(error: unknown): void {
  diag.error(`audit log: ${error instanceof Error ? error.message : 'the last delivery failed'}`);
}

/** What may still hold records when the process exits: the worker of a sink. */
export interface LastWriter {
  readonly name: string;
  /** Writes what it can without an event loop, and returns how many records are lost. */
  flushAtExit(): number;
}

/** Weak references, so that a log that the application drops can be collected; its timers keep one that still has records. */
const writers = new Set<WeakRef<LastWriter>>();
const references = new WeakMap<LastWriter, WeakRef<LastWriter>>();
const collected = new FinalizationRegistry<WeakRef<LastWriter>>((reference) => writers.delete(reference));

let isListening = false;
let isExiting = false;

/**
 * Makes a writer write on the `exit` event of the process, which follows an empty event loop, `process.exit()` and an uncaught
 * exception. It is on by default: unlike a signal's listener, a listener of `exit` does not change how a process ends.
 */
export function writeAtExit(writer: LastWriter): void {
  const reference = new WeakRef(writer);
  writers.add(reference);
  references.set(writer, reference);
  collected.register(writer, reference, reference);
  if (isListening) return;
  isListening = true;
  process.on('exit', writeAll);
}

/** Undoes {@link writeAtExit}: no more records will come. */
export function forgetAtExit(writer: LastWriter): void {
  const reference = references.get(writer);
  if (reference === undefined) return;
  writers.delete(reference);
  collected.unregister(reference);
}

/** Whether the last write is done. Records that other listeners of `exit` make afterwards must be written at once. */
export function isPastExit(): boolean {
  return isExiting;
}

/** Writes the records of a writer, and says on stderr how many it could not write. */
export function writeNow(writer: LastWriter): void {
  const lost = writer.flushAtExit();
  if (lost === 0) return;
  const records = lost === 1 ? '1 record' : `${lost} records`;
  say(
    `the process ended before sink '${writer.name}' had taken ${records}; await shutdown() of the log before it ends`,
  );
}

function writeAll(code: number): void {
  stopLogsNow(code);
  isExiting = true;
  for (const reference of writers) {
    const writer = reference.deref();
    if (writer !== undefined) writeNow(writer);
  }
}
