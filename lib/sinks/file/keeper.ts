import { archiveLog } from '../../archive/archiver.js';
import { configureArchive } from '../../archive/state.js';
import { after } from '../../internal/duration.js';
import { quietly } from '../emit.js';
import { whileAlone, type KeepingPlan } from './keeping.js';
import type { Notices } from './notice.js';
import { applyRetention } from './retention.js';
import { hold } from './journal.js';

/** How often segments are looked at that age does not finish by itself, in ms. */
const ROUND_MS = 3_600_000;
/** After a failure: the first pause, and the longest, in ms. */
const RETRY_MS = [5_000, 600_000] as const;
/** The name of the hold that an option puts on a log. */
const BY_OPTION = 'option';

/** Archives the finished segments of one log and lets go of them, in the background, for as long as its sink is open. */
export class Keeper {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #failures = 0;
  /** What was told: the same sentence is not told every hour. */
  readonly #told = new Set<string>();
  readonly #abort = new AbortController();

  constructor(
    private readonly path: string,
    private readonly plan: KeepingPlan,
    private readonly notices: Notices,
  ) {}

  /** Looks at the segments now; after a rotation, too. */
  start(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = quietly(() => this.#round()).finally(() => {
      this.#running = undefined;
      if (this.#closed) return;
      if (this.#again) {
        this.#again = false;
        return this.start();
      }
      const pause =
        this.#failures === 0 ? ROUND_MS : Math.min(RETRY_MS[0] * 2 ** (this.#failures - 1), RETRY_MS[1]);
      this.#timer = after(pause, () => this.start()).unref();
    });
  }

  /** Stops at the next part of an upload: the next process takes it up there. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    await this.#running;
  }

  async #round(): Promise<void> {
    const { path } = this;
    const { archive, retain, key } = this.plan;
    const { signal } = this.#abort;
    const run = {
      env: process.env,
      signal,
      key,
      onNotice: (notice: Parameters<Notices['add']>[0]) => this.notices.add(notice),
    };
    try {
      if (archive !== undefined) {
        await configureArchive(path, archive);
        await whileAlone(path, () => archiveLog(path, archive, run));
      }
      if (retain !== undefined) {
        if (retain.hold !== undefined) await hold(path, retain.hold, BY_OPTION, run);
        const { gone, kept, repaired } = await applyRetention(path, retain, run);
        for (const sentence of repaired) this.#tell(sentence);
        for (const { file } of gone) this.#tell(`${file} was let go (${retain.reason})`);
        for (const sentence of kept) this.#tell(sentence);
      }
      this.#failures = 0;
    } catch (error) {
      if (this.#closed) return;
      this.#failures++;
      this.#tell(error instanceof Error ? error.message : 'unknown reason');
    }
  }

  #tell(detail: string): void {
    if (this.#told.has(detail)) return;
    this.#told.add(detail);
    this.notices.add({ kind: 'keeping', path: this.path, detail });
  }
}
