import { diag } from '@opentelemetry/api';
import { isMainThread } from 'node:worker_threads';
import { after } from '../internal/duration.js';
import { checkOptions } from '../internal/options.js';
import { shared } from '../internal/shared.js';
import { say } from '../internal/stderr.js';
import { reject } from '../internal/validate.js';
import { stopLogsNow, type Ending } from './ending.js';

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
