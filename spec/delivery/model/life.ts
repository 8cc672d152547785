import { cpSync } from 'node:fs';
import { createPipeline, type Pipeline } from '../../../lib/pipeline/pipeline.js';
import type { GapInfo, Sink } from '../../../lib/sinks/sink.js';
import { SpoolSink } from '../../../lib/sinks/spool/spoolSink.js';
import { draft } from '../../support/drafts.js';
import type { Receiver } from './receiver.js';

/** How a world is set up. */
export interface Setting {
  readonly spooled: boolean;
  readonly mode: 'blocking' | 'blocking-strict' | 'batch';
  /** Whether processes are killed, too. */
  readonly crashes: boolean;
}

export const MAX_QUEUE = 20;
export const MAX_BATCH = 4;
/** What may wait in the spool. */
export const MAX_BYTES = 12_000;
const SEGMENT_BYTES = 2_000;

/** One process of a world: the real pipeline, perhaps before a real spool, from its start to its end. */
export class Life {
  readonly pipeline: Pipeline;
  readonly spool: SpoolSink | undefined;
  /** Losses of the spool, as `onError` was told. */
  lostBySpool = 0;
  /** What `onError` said, as the process ended, that the log will not tell. */
  untold = 0;
  #dead = false;
  #ending = false;
  #over = false;

  constructor(
    { spooled, mode }: Setting,
    private readonly receiver: Receiver,
    private readonly folder: string,
  ) {
    const gapRecord = ({ firstTime, lastTime, ...gap }: GapInfo) =>
      draft({ resource: 'audit/gap', data: { ...gap, first_time: firstTime, last_time: lastTime } });
    const end: Sink = { name: 'receiver', emit: (batch) => this.#send(() => receiver.receive(batch)) };
    const { highest: lastSeq } = receiver;
    if (!spooled) Object.assign(end, { lastSeq });
    this.spool = spooled
      ? new SpoolSink(end, {
          ...{
            directory: folder,
            maxExportBatchSize: MAX_BATCH,
            segmentBytes: SEGMENT_BYTES,
            maxBytes: MAX_BYTES,
          },
          gapRecord,
          onError: (_, { lost }) => void (this.lostBySpool += this.#dead ? 0 : lost),
        })
      : undefined;
    this.pipeline = createPipeline({
      ...{ sinks: [this.spool ?? end], mode, gapRecord },
      ...{ maxQueueSize: MAX_QUEUE, maxExportBatchSize: MAX_BATCH, scheduledDelayMillis: 10 },
      onError: ({ message }) => {
        this.untold += Number(/ends without .* (\d+) records are missing/.exec(message)?.[1] ?? 0);
      },
    });
  }

  /** Whether it was killed: nothing that it does counts any more. */
  get isDead(): boolean {
    return this.#dead;
  }

  /** Whether it was told to end. */
  get isEnding(): boolean {
    return this.#ending;
  }

  /** How many records it has lost by itself. */
  get lost(): number {
    const { failed = 0, dropped = 0 } = this.pipeline.stats().sinks[0] ?? {};
    return failed + dropped + this.lostBySpool;
  }

  /** Dies as by SIGKILL: what is in the files at this moment is all that the next process finds. */
  crash(heir: string): void {
    this.#dead = true;
    this.receiver.mayRepeat = true;
    if (this.spool !== undefined)
      cpSync(this.folder, heir, { recursive: true, filter: (path) => !path.endsWith('.lock') });
  }

  /** Ends in good order. */
  end(): Promise<void> {
    this.#ending = true;
    return this.pipeline.shutdown().catch(() => undefined);
  }

  /** Takes away what a killed process would have left to the operating system. */
  bury(): Promise<void> {
    this.#over = true;
    return this.end();
  }

  /** A dead process sends nothing, and waits for no answer that it could hear. */
  #send<T>(send: () => T): T | Promise<undefined> {
    if (!this.#dead) return send();
    return new Promise((resolve) => {
      const look = () => (this.#over ? resolve(undefined) : void setImmediate(look).unref());
      look();
    });
  }
}
