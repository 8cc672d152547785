import type { Stats } from 'node:fs';
import { stat, type FileHandle } from 'node:fs/promises';
import { findSegments, readSegments } from '../../integrity/storage/segments.js';
import type { Fingerprint } from './fingerprint.js';

/** Finds the files that bore a log's name, and lost it again, between two looks. */
export class Between {
  #known = new Set<string>();

  constructor(private readonly path: string) {}

  /** What is there now needs no reading later. */
  async remember(): Promise<void> {
    for (const { id } of await this.#segments()) this.#known.add(id);
  }

  /** Whether the writer itself has finished the file, and so writes no more to it: then it has a part's name. */
  async isFinished(file: Stats): Promise<boolean> {
    const found = (await this.#segments()).find(({ id }) => id === idOf(file));
    return found !== undefined && /\.\d{6,}$/.test(found.path);
  }

  /** The files between the one that was read and the one that bears the name now, oldest first. */
  async files(old: FileHandle | undefined, seen: Fingerprint, next: FileHandle): Promise<string[]> {
    const all = await this.#segments();
    const until = idOf(await next.stat());
    const end = all.findIndex(({ id }) => id === until);
    const parts = end < 0 ? all : all.slice(0, end);
    const ours = old === undefined ? undefined : idOf(await old.stat());
    const at = ours === undefined ? -1 : parts.findIndex(({ id }) => id === ours);
    if (at >= 0) return parts.slice(at + 1).map(({ path }) => path);
    const fresh = parts.filter(({ id }) => !this.#known.has(id)).map(({ path }) => path);
    // The file that was read may have been compressed since: what begins as it did is that file.
    const [first] = fresh;
    return first !== undefined && (await beginsWith(first, seen.head)) ? fresh.slice(1) : fresh;
  }

  async #segments(): Promise<{ path: string; id: string }[]> {
    const segments = await findSegments(this.path).catch(() => []);
    const found: { path: string; id: string }[] = [];
    for (const { path } of segments) {
      const stats = path === this.path ? undefined : await stat(path).catch(() => undefined);
      if (stats !== undefined) found.push({ path, id: idOf(stats) });
    }
    return found;
  }
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

async function beginsWith(path: string, head: Buffer): Promise<boolean> {
  if (head.length === 0) return false;
  for await (const { data } of readSegments([{ path, present: true }]))
    return data.subarray(0, head.length).equals(head.subarray(0, data.length));
  return false;
}
