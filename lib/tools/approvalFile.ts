import { createHash } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { peek } from '../internal/peek.js';

/** A larger file is no list of approvals. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A file of approvals that were made elsewhere, one JSON object a line, and the folder beside it that notes which were used. */
export class ApprovalFile {
  readonly #path: string;
  readonly #used: string;

  constructor(path: string) {
    this.#path = resolve(path);
    this.#used = `${this.#path}.used`;
  }

  /**
   * What the file holds now, unchecked; nothing where there is none yet. Lines that are no JSON are passed over: another program may
   * be writing the last one.
   *
   * @throws where it cannot be read.
   */
  read(): readonly { readonly tool: unknown }[] {
    let text: string;
    try {
      const stat = lstatSync(this.#path);
      if (!stat.isFile()) throw new Error(`${this.#path} is no regular file`);
      if (stat.size > MAX_BYTES) throw new Error(`${this.#path} is larger than ${MAX_BYTES} bytes`);
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (peek(error, 'code') === 'ENOENT') return [];
      throw error;
    }
    return text.split('\n').flatMap((line) => {
      try {
        const value: unknown = JSON.parse(line);
        return typeof value === 'object' && value !== null ? [value as { tool: unknown }] : [];
      } catch {
        return [];
      }
    });
  }

  /**
   * Notes that an approval is used, for this and all other processes that read the file. The name is a digest, since ids come from
   * outside.
   *
   * @returns false where it was used before.
   * @throws where that cannot be noted: then it must not be used.
   */
  claim(id: string): boolean {
    mkdirSync(this.#used, { recursive: true, mode: 0o700 });
    try {
      closeSync(openSync(join(this.#used, createHash('sha256').update(id).digest('hex')), 'wx', 0o600));
      return true;
    } catch (error) {
      if (peek(error, 'code') === 'EEXIST') return false;
      throw error;
    }
  }
}
