import { say } from '../internal/say.js';

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
