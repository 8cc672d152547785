import { open, readdir, readFile, type FileHandle } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ArchiveError } from './objectStore.js';
import { IntegrityError } from '../errors.js';
import { countLeaves, LeafCursor, readLeaves } from '../integrity/storage/leafFile.js';
import { integrityLayout, readIfThere } from '../integrity/storage/files.js';
import { readLines, readSegments, type LogChunk, type Segment } from '../integrity/storage/segments.js';
import { parseCheckpoint, splitNotes, type Checkpoint } from '../integrity/tlog/checkpoint.js';
import { CompactRange, HASH_BYTES, leafHash, type Hash } from '../integrity/tlog/merkle.js';

/** Bytes that are to become an object. */
export interface Content {
  readonly bytes: number;
  read(start: number, end: number): Promise<Buffer>;
}

/** The bytes of a file, which stay readable when it is renamed or removed meanwhile. Close the handle afterwards. */
export async function contentOfFile(path: string): Promise<Content & { readonly handle: FileHandle }> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  const read = async (start: number, end: number) => {
    const buffer = Buffer.allocUnsafe(end - start);
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await handle.read(buffer, done, buffer.length - done, start + done);
      if (bytesRead === 0) throw new ArchiveError(`${path} became shorter while it was uploaded`);
      done += bytesRead;
    }
    return buffer;
  };
  return { bytes: size, read, handle };
}

/** Bytes in memory as content. */
export function contentOf(bytes: Uint8Array): Content {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes: buffer.length, read: (start, end) => Promise.resolve(buffer.subarray(start, end)) };
}

/** A part of a log that is finished: which records it holds is known. */
export type FinishedSegment = Segment & {
  readonly range: { readonly first: number; readonly count: number };
};

/** What the tree of a log is at the places that matter: the ends of segments, and the checkpoints. */
export interface History {
  readonly roots: ReadonlyMap<number, Hash>;
  readonly checkpoints: readonly Checkpoint[];
  readonly cosigned: readonly Checkpoint[];
  readonly timestamps: readonly { readonly size: number; readonly reply: string }[];
  readonly vkeys: readonly string[];
}

/** Reads the leaf hashes once. Checkpoints that they do not lead to are left out; if the newest is one, that is an error. */
export async function sealedHistory(
  log: string,
  newest: Checkpoint,
  segments: readonly FinishedSegment[],
): Promise<History> {
  const layout = integrityLayout(log);
  const notesIn = async (path: string) =>
    splitNotes((await readIfThere(path)) ?? '').notes.flatMap((text) => {
      try {
        const checkpoint = parseCheckpoint(text);
        return checkpoint.origin === newest.origin ? [checkpoint] : [];
      } catch {
        return [];
      }
    });
  const checkpoints = [...(await notesIn(layout.history)), newest];
  const cosigned = await notesIn(layout.cosigned);
  const sizes = new Set([
    ...[...checkpoints, ...cosigned].map(({ size }) => size),
    ...segments.map(({ range }) => range.first + range.count),
  ]);
  const roots = new Map<number, Hash>();
  const tree = new CompactRange();
  for await (const batch of readLeaves(layout.leaves, newest.size))
    for (const leaf of batch) {
      tree.append(leaf);
      if (sizes.has(tree.size)) roots.set(tree.size, tree.root());
    }
  if (roots.get(newest.size) !== newest.root)
    throw new IntegrityError(
      `the stored leaf hashes of ${log} (${await countLeaves(layout.leaves)}) do not lead to its newest checkpoint: run verify`,
    );
  const holds = ({ size, root }: Checkpoint) => size > 0 && roots.get(size) === root;
  return {
    roots,
    checkpoints: checkpoints.filter(holds).sort((a, b) => a.size - b.size),
    cosigned: cosigned.filter(holds),
    timestamps: await timestampsIn(layout.timestamps),
    vkeys: ((await readIfThere(layout.vkey)) ?? '').split('\n').filter(Boolean),
  };
}

async function timestampsIn(folder: string): Promise<History['timestamps']> {
  const names = await readdir(folder).catch((): string[] => []);
  return Promise.all(
    names
      .flatMap((name) => /^(\d{1,15})\.tsr$/.exec(name)?.[1] ?? [])
      .map(async (size) => ({
        size: Number(size),
        reply: (await readFile(join(folder, `${size}.tsr`))).toString('base64'),
      })),
  );
}

/** Holds a segment against its sealed hashes: what was tampered with must not become the archive's truth. */
export async function scan(log: string, segment: FinishedSegment) {
  const { first, count } = segment.range;
  const cursor = new LeafCursor(readLeaves(integrityLayout(log).leaves, count, first));
  const hash = createHash('sha256');
  let index = first;
  let from: string | undefined;
  let to: string | undefined;
  try {
    for await (const batch of readLines(tapped(readSegments([segment]), hash))) {
      const leaves = await cursor.take(batch.length);
      for (const [i, { bytes }] of batch.entries()) {
        if (leafHash(bytes) !== leaves[i])
          throw new IntegrityError(
            `${segment.path} is not what was sealed, from record ${index} on: it is not archived; run verify`,
          );
        const time = timeOf(bytes);
        from ??= time;
        if (time !== undefined && (to === undefined || time > to)) to = time;
        index++;
      }
    }
  } finally {
    await cursor.close();
  }
  if (index !== first + count)
    throw new IntegrityError(
      `${segment.path} holds ${index - first} records of ${count} that were sealed: it is not archived; run verify`,
    );
  return {
    sha256: hash.digest('hex'),
    times: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
  };
}

async function* tapped(
  chunks: AsyncIterable<LogChunk>,
  hash: { update(data: Buffer): unknown },
): AsyncGenerator<LogChunk, void, undefined> {
  for await (const chunk of chunks) {
    hash.update(chunk.data);
    yield chunk;
  }
}

const TIME = Buffer.from('"time":"');

/** The time of a record, taken from its bytes: it stands before every text that others chose. */
function timeOf(line: Buffer): string | undefined {
  const at = line.indexOf(TIME);
  const end = at === -1 ? -1 : line.indexOf(QUOTE, at + TIME.length);
  const text = end === -1 ? '' : line.toString('latin1', at + TIME.length, end);
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? text : undefined;
}

const QUOTE = 0x22;

/** The SHA-256 of a segment's content, in hexadecimal. */
export async function contentDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const { data } of readSegments([{ path, present: true }])) hash.update(data);
  return hash.digest('hex');
}

/** The leaf hashes from one place of the tree to another, 32 bytes each. */
export async function leavesOf(log: string, first: number, end: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const batch of readLeaves(integrityLayout(log).leaves, end - first, first))
    parts.push(Buffer.from(batch.join(''), 'latin1'));
  const bytes = Buffer.concat(parts);
  if (bytes.length !== (end - first) * HASH_BYTES)
    throw new IntegrityError(`the leaf hashes of ${log} end too early`);
  return bytes;
}
