import { IntegrityError } from '../errors.js';
import { leafHash, type Hash } from './hash.js';
import { type IntegrityLayout } from './layout.js';
import { type NoteSigner } from './keys.js';
import { reasonOf } from './reason.js';
import { TailMacs } from './tailMacs.js';

/**
 * The lines of a log that no checkpoint covers yet, written down before they are written, where the key of the log is at hand.
 * What fails here keeps no line from being written.
 */
export class AnnouncedLines {
  readonly #macs: TailMacs | undefined;
  readonly #onError: (cause: unknown) => void;
  /** Lines that were announced and are still to be appended. */
  #count = 0;

  private constructor(macs: TailMacs | undefined, onError: (cause: unknown) => void) {
    this.#macs = macs;
    this.#onError = onError;
  }

  static async open(
    { tail }: IntegrityLayout,
    signer: NoteSigner,
    onError: (error: Error) => void,
  ): Promise<AnnouncedLines> {
    const key = signer.deriveKey?.('unsealed lines');
    const told = (cause: unknown) => {
      const message = `nothing vouches for lines until their checkpoint (${reasonOf(cause)})`;
      onError(new IntegrityError(message, { cause }));
    };
    return new AnnouncedLines(key && (await TailMacs.open(tail, key)), told);
  }

  /** See {@link TailMacs.checker}; nothing where there is no key. */
  checker(): ((leaf: Hash) => boolean) | undefined {
    return this.#macs?.checker();
  }

  announce(lines: Iterable<Uint8Array>): void {
    if (this.#macs === undefined) return;
    const leaves = Array.from(lines, (line) => leafHash(line));
    this.#count += leaves.length;
    this.#add(leaves);
  }

  /** Lines were appended. Those that were not announced are written down late: better than never. */
  appended(leaves: readonly Hash[]): void {
    const late = leaves.slice(Math.min(this.#count, leaves.length));
    this.#count -= leaves.length - late.length;
    this.#add(late);
  }

  async sync(): Promise<void> {
    await this.#macs?.sync().catch(this.#onError);
  }

  begin(): void {
    this.#macs?.begin();
  }

  end(): void {
    this.#macs?.end();
  }

  close(): void {
    this.#macs?.close();
  }

  #add(leaves: readonly Hash[]): void {
    if (leaves.length === 0) return;
    try {
      this.#macs?.add(leaves);
    } catch (error) {
      this.#onError(error);
    }
  }
}
