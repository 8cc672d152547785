import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { rangesOf, type FileRange } from '../input/ranges.js';
import { RangeScanner, type ScannedRange, type ScanSettings } from './scanRange.js';

/** A thread starts in about 50 ms, in which this one reads so much. */
const WORTH_THREADS_BYTES = 32 << 20;
/** Small enough that both threads end together, large enough that messages do not show. */
const RANGE_BYTES = 4 << 20;
/** Threads beyond this number wait for the disk. */
const MOST_THREADS = 3;
/** How many ranges a thread is given before it has answered: it never waits for the next one. */
const GIVEN = 2;
/** So many ranges are scanned before those before them are taken. */
const MOST_AHEAD = 32;

/** What a thread is started with. */
interface ThreadData {
  readonly scan: ScanSettings;
}

/** A range and what it holds. */
interface Scan {
  readonly range: FileRange;
  scanned?: ScannedRange;
}

/** Whether plain files of so many bytes are read sooner by several threads. */
export function isWorthThreads(bytes: number): boolean {
  return bytes >= WORTH_THREADS_BYTES && availableParallelism() > 1;
}

/** Scans files by ranges, on this thread and on others, and gives out what they hold in the order of the files. */
export class ScanThreads {
  /** The scanner of this thread. */
  readonly own: RangeScanner;
  readonly #rangeBytes: number;
  readonly #threads: ScanThread[];
  #fault: Error | undefined;
  #wake: () => void = () => undefined;

  /** @param program The file of this program, which threads run ({@link serveScanner}); without it, there are none. */
  constructor(settings: ScanSettings, program: string | undefined, rangeBytes = RANGE_BYTES) {
    this.own = new RangeScanner(settings);
    this.#rangeBytes = rangeBytes;
    const others = program === undefined ? 0 : Math.min(MOST_THREADS, availableParallelism() - 1);
    const answered = (fault?: Error) => {
      this.#fault ??= fault;
      this.#wake();
    };
    this.#threads = Array.from({ length: others }, () => new ScanThread(program ?? '', settings, answered));
  }

  /** Scans a file of so many bytes. After a range that could not be read to its end, no further one is given out. */
  async read(
    file: string,
    bytes: number,
    take: (scanned: ScannedRange, range: FileRange) => Promise<void>,
  ): Promise<void> {
    const waiting = rangesOf(file, bytes, this.#rangeBytes).map((range): Scan => ({ range }));
    const begun: Scan[] = [];
    for (let scan = waiting[0]; scan !== undefined; scan = begun[0] ?? waiting[0]) {
      while (scan.scanned === undefined) await this.#work(waiting, begun);
      begun.shift();
      await take(scan.scanned, scan.range);
      if (scan.scanned.fault !== undefined) return;
    }
  }

  async close(): Promise<void> {
    this.own.close();
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** Gives ranges to the threads that have room for one, and scans one here; waits where there is none. */
  async #work(waiting: Scan[], begun: Scan[]): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    const next = () => {
      const scan = begun.length < MOST_AHEAD ? waiting.shift() : undefined;
      if (scan !== undefined) begun.push(scan);
      return scan;
    };
    for (const thread of this.#threads)
      while (thread.hasRoom) {
        const scan = next();
        if (scan === undefined) break;
        thread.give(scan);
      }
    const scan = next();
    if (scan === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    else {
      scan.scanned = this.own.scan(scan.range);
      // The answers of the threads are taken between two ranges.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** One thread, which answers in the order in which it is asked. */
class ScanThread {
  readonly #worker: Worker;
  readonly #given: Scan[] = [];
  #isReady = false;

  constructor(program: string, scan: ScanSettings, answered: (fault?: Error) => void) {
    this.#worker = new Worker(program, { workerData: { scan } satisfies ThreadData });
    this.#worker.on('message', (scanned: ScannedRange | 'ready') => {
      if (scanned === 'ready') this.#isReady = true;
      else this.#given.shift()!.scanned = scanned;
      answered();
    });
    this.#worker.on('error', answered);
    this.#worker.on('exit', () => answered(new Error('the thread that reads the log has ended')));
  }

  /** Whether it can be given a range. While it starts it cannot: the first ranges would wait for it. */
  get hasRoom(): boolean {
    return this.#isReady && this.#given.length < GIVEN;
  }

  give(scan: Scan): void {
    this.#given.push(scan);
    this.#worker.postMessage(scan.range);
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }
}

/** Serves as a thread of {@link ScanThreads}, if this one was started for it. */
export function serveScanner(): boolean {
  const { scan: settings } = workerData as Partial<ThreadData>;
  const port = parentPort;
  if (settings === undefined || port === null) return false;
  const scanner = new RangeScanner(settings);
  port.on('message', (range: FileRange) => {
    const scanned = scanner.scan(range);
    port.postMessage(scanned, [scanned.data.buffer]);
  });
  port.postMessage('ready');
  return true;
}
