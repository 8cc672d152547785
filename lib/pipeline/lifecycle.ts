import { diag } from '@opentelemetry/api';
import { isMainThread } from 'node:worker_threads';
import { after } from '../internal/duration.js';
import { shared } from '../internal/shared.js';
import { checkOptions } from '../internal/options.js';
import { reject } from '../internal/validate.js';
import { say } from '../internal/stderr.js';

/**
 * How a log follows its process to the end.
 *
 * @see docs/delivery.md
 */
export interface LifecycleOptions {
  /** Signals on which to deliver what is held and then die by that signal. @defaultValue SIGTERM and SIGINT; main thread only */
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
  shutdown(): Promise<void>;
  saveSync(): void;
  flushSync(): void;
}

/** What else is to be put on record when a signal ends the process, before the last delivery. */
const endings = shared('endings', () => new Set<() => void>());

/** Calls a function before the last delivery, when a signal is about to end the process; once per function. */
export function beforeSignalEnds(record: () => void): void {
  endings.add(record);
}

/** Who is to be told, and how long each may take. */
const followers = new Map<FollowedPipeline, number>();
/** One listener per event however many pipelines there are. */
const listeners = new Map<string, () => void>();

/**
 * Delivers what a pipeline holds when the process ends: on a signal, and when the event loop runs empty (`beforeExit`). On
 * `exit` every pipeline writes what can be written without an event loop, followed or not. In a worker thread there are no
 * signals. Opt-in, because listeners of the process are the application's.
 *
 * A signal is raised again after the delivery, so that the process dies as it would have; where the application listens to
 * it too, the end is left to the application, and the pipeline stays open for its last records. While a signal is handled,
 * our listener is off: libraries such as signal-exit count the listeners, and wait for whoever else there is to decide.
 *
 * @returns a function that takes the listeners away again.
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

/** `beforeExit` comes again after whatever it starts, so it starts something only when there are new records. */
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
  // Nor must a second signal wait for the first one's delivery.
  const listener = listeners.get(signal);
  unlisten(signal);
  const alone = process.listenerCount(signal) === 0;
  // The application's own listeners come next, and may end the process at once, without an `exit` event.
  if (!alone) for (const pipeline of followers.keys()) pipeline.saveSync();
  else for (const record of endings) record();
  await Promise.all(
    [...followers].map(async ([pipeline, ms]) => {
      const work = (alone ? pipeline.shutdown() : pipeline.forceFlush()).catch(complain);
      await Promise.race([work, new Promise<void>((resolve) => after(ms, resolve).unref())]);
    }),
  );
  if (alone) {
    // A process that dies of a signal gets no `exit` event.
    for (const pipeline of followers.keys()) pipeline.flushSync();
    process.kill(process.pid, signal);
  } else if (listener !== undefined && followers.size > 0) listen(signal, listener);
}

function complain(error: unknown): void {
  diag.error(`audit log: ${error instanceof Error ? error.message : 'the last delivery failed'}`);
}

/** What still holds records when the process exits: the way to one sink. */
export interface LastWriter {
  readonly name: string;
  /** Writes what can be written without an event loop, and returns how many records could not be. */
  flushAtExit(): number;
}

/** Weakly held, so that a log that an application drops is not kept by us; one with records under way is held by its timers. */
const writers = new Set<WeakRef<LastWriter>>();
const references = new WeakMap<LastWriter, WeakRef<LastWriter>>();
const collected = new FinalizationRegistry<WeakRef<LastWriter>>((reference) => writers.delete(reference));

let isListening = false;
let isExiting = false;

/**
 * Has what is held written on the process's `exit` event, which follows an empty event loop, `process.exit()` and an uncaught
 * exception. On by default: unlike the listener of a signal, one of `exit` changes nothing about how a process ends.
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

/** Ends that: nothing more will come. */
export function forgetAtExit(writer: LastWriter): void {
  const reference = references.get(writer);
  if (reference === undefined) return;
  writers.delete(reference);
  collected.unregister(reference);
}

/** Whether the last write has been: what is recorded from then on, by other listeners of `exit`, is to be written at once. */
export function isPastExit(): boolean {
  return isExiting;
}

/** Writes what one of them holds, and tells the operator of what it cannot write. */
export function writeNow(writer: LastWriter): void {
  const lost = writer.flushAtExit();
  if (lost === 0) return;
  const records = lost === 1 ? '1 record' : `${lost} records`;
  say(
    `the process ended before sink '${writer.name}' had taken ${records}; await shutdown() of the log before it ends`,
  );
}

function writeAll(): void {
  isExiting = true;
  for (const reference of writers) {
    const writer = reference.deref();
    if (writer !== undefined) writeNow(writer);
  }
}
