import { after } from '../../internal/duration.js';
import { type Checkpoint } from '../tlog/checkpoint.js';
import { appendToFile, readIfThere } from '../storage/files.js';
import { IntegrityError } from '../../errors.js';

/**
 * Takes checkpoints to a place that the writers of the log cannot write: another host, another account, a witness.
 * A rejection means that it is tried again.
 */
export interface Anchor {
  (checkpoint: Checkpoint): Promise<void> | void;
  /**
   * Gives back what the anchor keeps: the newest checkpoint, or all of them, one note after the other; nothing if it has
   * none. A log that starts reads it, and signs nothing that contradicts it. Without it the anchor protects the readers of
   * the log, and not its next start.
   */
  load?(this: void): Promise<string | undefined> | string | undefined;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 5 * 60_000;
/** An anchor that takes longer than this has failed, for now. */
const ATTEMPT_MS = 10_000;

/** An anchor that adds each checkpoint to the end of a file, best on another volume. */
export function fileAnchor(path: string): Anchor {
  const anchor: Anchor = ({ note }) => appendToFile(path, note);
  anchor.load = () => readIfThere(path);
  return anchor;
}

/** Callbacks for the results of an anchor. */
export interface AnchorEvents {
  /** An anchor has taken a checkpoint. */
  onAnchored(checkpoint: Checkpoint): Promise<void>;
  /** An attempt failed; another will follow. */
  onError(error: Error): void;
}

/** Ships checkpoints to one anchor: the newest first and only, since it vouches for all before it. Never blocks the log. */
export class AnchorQueue {
  readonly #anchor: Anchor;
  readonly #events: AnchorEvents;
  #next: Checkpoint | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(anchor: Anchor, events: AnchorEvents) {
    this.#anchor = anchor;
    this.#events = events;
  }

  /** A newer checkpoint. While an earlier failure is waited out, it only takes the place of the older one. */
  offer(checkpoint: Checkpoint): void {
    this.#next = checkpoint;
    if (this.#retry === undefined) this.#start();
  }

  /** Waits for the attempt under way, else makes one for what is outstanding; no other follows by itself. */
  async flush(): Promise<void> {
    this.#cancelRetry();
    this.#start();
    await this.#running;
    this.#cancelRetry();
  }

  #cancelRetry(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #start(): void {
    this.#running ??= this.#ship().finally(() => {
      this.#running = undefined;
    });
  }

  async #ship(): Promise<void> {
    while (this.#next !== undefined) {
      const checkpoint = this.#next;
      try {
        await withinDeadline(this.#anchor, checkpoint);
        if (this.#next === checkpoint) this.#next = undefined;
        this.#failures = 0;
        await this.#events.onAnchored(checkpoint);
      } catch (error) {
        this.#events.onError(error instanceof Error ? error : new Error('the anchor failed'));
        this.#retryLater();
        return;
      }
    }
  }

  #retryLater(): void {
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LAST_RETRY_MS);
    this.#retry = after(delay, () => {
      this.#retry = undefined;
      this.#start();
    });
    // The log does not keep a process alive for its anchor: close() makes a last attempt, the next start another.
    this.#retry.unref();
  }
}

async function withinDeadline(anchor: Anchor, checkpoint: Checkpoint): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = after(ATTEMPT_MS, () => reject(new Error(`the anchor did not answer within ${ATTEMPT_MS} ms`)));
  });
  try {
    await Promise.race([(async () => anchor(checkpoint))(), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when something has come to its end, or after so many milliseconds. It must not reject. */
export async function waitAtMost(milliseconds: number, something: Promise<unknown>): Promise<void> {
  let cancel = () => {};
  const patience = new Promise<void>((resolve) => {
    const timer = after(milliseconds, resolve);
    cancel = () => clearTimeout(timer);
  });
  await Promise.race([something, patience]);
  cancel();
}

/** The code of an error, or its class. Messages of users' callbacks and of services are not repeated: they may hold secrets. */
export function reasonOf(error: unknown): string {
  if (error instanceof IntegrityError) return error.message;
  if (!(error instanceof Error)) return typeof error;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error.name;
}
