import { watch, type FSWatcher } from 'node:fs';
import { after } from '../../internal/duration.js';

/** Rings when the file may have changed: when the system says so, and every so often in case it does not. */
export class Bell {
  readonly #pollMs: number;
  readonly #signal: AbortSignal;
  #watcher: FSWatcher | undefined;
  #wake: (() => void) | undefined;
  #rung = false;

  constructor(path: string, pollMs: number, signal: AbortSignal) {
    this.#pollMs = pollMs;
    this.#signal = signal;
    const ring = () => {
      this.#rung = true;
      this.#wake?.();
    };
    signal.addEventListener('abort', ring, { once: true });
    try {
      this.#watcher = watch(path, ring);
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Not there yet, or a system without watches: the timer is enough.
    }
  }

  async ring(): Promise<void> {
    if (!this.#rung && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = after(this.#pollMs, resolve);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#rung = false;
    this.#wake = undefined;
  }

  close(): void {
    this.#watcher?.close();
  }
}
