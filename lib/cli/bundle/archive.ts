import { Zip, ZipDeflate } from 'fflate';
import { createHash } from 'node:crypto';
import type { Output } from '../term/output.js';
import { inputFailure } from '../failure.js';
import type { BundleFile } from './manifest.js';

/** A zip file without the 64-bit extension ends here (APPNOTE 4.4.8, 4.4.9). */
const LIMIT = 0xffff_ffff;
/** The earliest time that a zip file can state: the same for every file, so that the same input gives the same bytes. */
const EPOCH = new Date(1980, 0, 1);

/** Writes a zip file piece by piece, and keeps the hash of each file in it. */
export class Archive {
  readonly files: BundleFile[] = [];
  readonly #zip: Zip;
  #bytes = 0;

  constructor(output: Output) {
    this.#zip = new Zip((error, data) => {
      if (error !== null) throw error;
      this.#bytes += data.length;
      output.bytes(data);
    });
  }

  /** Adds a file whose content is at hand. */
  add(path: string, content: string): void {
    const file = this.begin(path);
    file.push(Buffer.from(content));
    file.end();
  }

  /** Begins a file that comes in pieces. No other may be begun before it has ended. */
  begin(path: string): { push(data: Uint8Array): void; end(): void } {
    const entry = new ZipDeflate(path, { level: 6 });
    entry.mtime = EPOCH;
    entry.os = 3;
    // Readable by its owner alone when unpacked on a system that has modes.
    entry.attrs = (0o100600 << 16) >>> 0;
    this.#zip.add(entry);
    const hash = createHash('sha256');
    let bytes = 0;
    return {
      push: (data) => {
        hash.update(data);
        bytes += data.length;
        if (bytes > LIMIT || this.#bytes > LIMIT)
          throw inputFailure('the evidence does not fit into a zip file of 4 GB: choose a shorter period');
        entry.push(Uint8Array.from(data));
      },
      end: () => {
        entry.push(new Uint8Array(0), true);
        this.files.push({ path, bytes, sha256: hash.digest('hex') });
      },
    };
  }

  /** Ends the zip file. */
  end(): void {
    this.#zip.end();
  }
}
