import { isMainThread } from 'node:worker_threads';

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
export interface OpenWork {
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
export function stopLogsNow(code: number): void {
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
