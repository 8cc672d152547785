import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IntegrityError } from '../errors.js';
import { openCheckpoint, type Checkpoint } from './tlog/checkpoint.js';
import { leafHash, CompactRange, TileWriter, type Hash, type TileFile } from './tlog/merkle.js';
import { integrityLayout } from './storage/files.js';
import { countLeaves, readLeaves } from './storage/leafFile.js';
import { readLines, findSegments, readSegments, type LogChunk } from './storage/segments.js';
import { type NoteVerifier } from './tlog/note.js';
import { leafData } from './tlog/leafData.js';
import { discloseFields, checkTlogProof, type ConsistencyProof, type TlogProof } from './tlog/tlogProof.js';
import { consistencyRanges, inclusionRanges, ProofCollector, verifyInclusion } from './tlog/proof.js';

const LF = 0x0a;

/** A record of a log, as it stands there. */
export interface FoundRecord {
  /** Its place in the log, from 0. */
  readonly index: number;
  /** Its exact bytes, without LF. */
  readonly line: Buffer;
}

/**
 * Finds a record by its index, or by its `record_id`.
 *
 * @throws {IntegrityError} when it is not there.
 */
export async function findRecord(
  log: string,
  wanted: { readonly index: number } | { readonly recordId: string },
): Promise<FoundRecord> {
  const find =
    'recordId' in wanted
      ? lineWith(Buffer.from(`"record_id":${JSON.stringify(wanted.recordId)}`))
      : lineAt(wanted.index);
  let before = 0;
  for (const { present, path, range } of await findSegments(log)) {
    before = range?.first ?? before;
    if (!present) {
      before += range?.count ?? 0;
      continue;
    }
    const { line, index } = await find(readSegments([{ path, present }]), before);
    if (line !== undefined) return { index, line };
    before = index;
  }
  const what = 'index' in wanted ? `index ${wanted.index}` : 'this record_id';
  throw new IntegrityError(`there is no record with ${what} in ${log}`);
}

/** A line with its place in the log; or none, and the place after the last of those that were read. */
interface Found {
  readonly line?: Buffer;
  readonly index: number;
}

/** Finds a line in a segment, of which so many lines stand before. */
type FindLine = (chunks: AsyncIterable<LogChunk>, before: number) => Promise<Found>;

function lineAt(wanted: number): FindLine {
  return async (chunks, before) => {
    let index = before;
    for await (const batch of readLines(chunks)) {
      const line = batch[wanted - index];
      if (line !== undefined) return { index: wanted, line: Buffer.from(line.bytes) };
      index += batch.length;
    }
    return { index };
  };
}

/** The first line that holds some bytes: one search for each chunk, since a search for each line takes five times as long. */
function lineWith(needle: Buffer): FindLine {
  return async (chunks, before) => {
    let index = before;
    let rest: Buffer = Buffer.alloc(0);
    for await (const { data } of chunks) {
      const first = data.indexOf(LF) + 1;
      if (rest.length > 0) {
        rest = Buffer.concat([rest, first === 0 ? data : data.subarray(0, first - 1)]);
        if (first === 0) continue;
        if (rest.includes(needle)) return { index, line: rest };
        index++;
      }
      const start = rest.length > 0 ? first : 0;
      const whole = data.lastIndexOf(LF) + 1;
      const at = data.indexOf(needle, start);
      const found = at !== -1 && at < whole;
      const until = found ? data.lastIndexOf(LF, at) + 1 : whole;
      for (let end = data.indexOf(LF, start); end !== -1 && end < until; end = data.indexOf(LF, end + 1))
        index++;
      if (found) return { index, line: Buffer.from(data.subarray(until, data.indexOf(LF, at))) };
      // A copy: the reader's buffers are used again.
      rest = Buffer.from(data.subarray(whole));
    }
    if (rest.includes(needle)) return { index, line: rest };
    return { index: rest.length > 0 ? index + 1 : index };
  };
}

/**
 * Proves that a record is in a log.
 *
 * @param note The checkpoint to prove it for.
 * @param shown Whether the proof carries the record itself, as its extra data; or names of the fields that it shows, the others
 * hidden. Default: it shows nothing.
 * @throws {IntegrityError} when the checkpoint does not cover the record, the log does not lead to it, or the fields cannot be shown.
 */
export async function proveRecord(
  log: string,
  { index, line }: FoundRecord,
  note: string,
  verifiers: readonly NoteVerifier[],
  shown: boolean | readonly string[] = false,
): Promise<TlogProof> {
  const checkpoint = openCheckpoint(note, verifiers);
  if (index >= checkpoint.size)
    throw new IntegrityError(
      `the checkpoint covers ${checkpoint.size} records, not the record at index ${index}`,
    );
  const { size, root } = checkpoint;
  const ranges = [...inclusionRanges(index, size), { first: index, end: index + 1 }];
  // The hashes and the leaf itself are the whole tree: that they give its root shows that the leaves lead to the checkpoint.
  const hashes = await collect(log, checkpoint, () => {
    const collector = new ProofCollector(ranges);
    return {
      add: (hash) => collector.add(hash),
      finish: () => {
        const [leaf = '', ...path] = collector.proof().reverse();
        const proof = path.reverse();
        return verifyInclusion({ index, size, leaf, root }, proof) ? proof : undefined;
      },
    };
  });
  const extra = typeof shown === 'object' ? discloseFields(line, shown) : shown ? line : undefined;
  const proof = { index, hashes, checkpoint: note, ...(extra && { extra }) };
  checkTlogProof(proof, line, verifiers);
  return proof;
}

/**
 * Proves that a checkpoint extends an older one of the same log.
 *
 * @throws {IntegrityError} when the log does not lead to the newer one, or did not lead to the older one.
 */
export async function proveConsistency(
  log: string,
  older: Checkpoint,
  newer: Checkpoint,
): Promise<ConsistencyProof> {
  if (older.size > newer.size)
    throw new IntegrityError(
      `the second checkpoint, of ${newer.size} records, is older than the first, of ${older.size}`,
    );
  const ranges = consistencyRanges(older.size, newer.size);
  const hashes = await collect(log, newer, () => {
    const collector = new ProofCollector(ranges);
    const tree = new CompactRange();
    let before = tree.root();
    return {
      add: (leaf) => {
        tree.append(leaf);
        collector.add(leaf);
        if (tree.size === older.size) before = tree.root();
      },
      finish: () => {
        if (tree.root() !== newer.root) return undefined;
        if (before !== older.root)
          throw new IntegrityError(
            `the log at ${newer.size} records does not extend the log at ${older.size}: history was rewritten`,
          );
        return collector.proof();
      },
    };
  });
  return { older: older.size, hashes, checkpoint: newer.note };
}

/**
 * Writes a log as static files that C2SP tlog-tiles clients read: tiles, entry bundles, and the checkpoint last. They are readable
 * by their owner alone, as the log is.
 *
 * @param directory An empty or new folder.
 * @returns the number of files.
 * @throws {IntegrityError} when a segment is missing, a line is too long, or the log does not lead to the checkpoint.
 */
export async function exportTiles(
  log: string,
  directory: string,
  note: string,
  verifiers: readonly NoteVerifier[],
): Promise<number> {
  const checkpoint = openCheckpoint(note, verifiers);
  const segments = await findSegments(log);
  const missing = segments.find(({ present }) => !present);
  if (missing !== undefined) throw new IntegrityError(`the segment ${missing.path} is missing`);
  const tiles = new TileWriter();
  const tree = new CompactRange();
  let files = 0;
  const write = async ({ path, data }: TileFile) => {
    await mkdir(dirname(join(directory, path)), { recursive: true, mode: 0o700 });
    await writeFile(join(directory, path), data, { mode: 0o600 });
    files++;
  };
  for await (const batch of readLines(readSegments(segments))) {
    for (const { bytes, index } of batch) {
      if (index >= checkpoint.size) break;
      const leaf = leafHash(bytes);
      tree.append(leaf);
      for (const file of tiles.add(Buffer.from(leafData(bytes)), leaf)) await write(file);
    }
  }
  for (const file of tiles.finish()) await write(file);
  if (tree.root() !== checkpoint.root) throw departed(log, checkpoint);
  await write({ path: 'checkpoint', data: Buffer.from(note) });
  return files;
}

/** Takes every leaf hash that a checkpoint covers; then gives the hashes of a proof, if the leaves lead to the checkpoint. */
interface LeafVisitor {
  add(leaf: Hash): void;
  finish(): Hash[] | undefined;
}

/** Leads all leaf hashes past a visitor: the stored ones, a hundredth of the bytes; where those fail, the log's own. */
async function collect(log: string, checkpoint: Checkpoint, start: () => LeafVisitor): Promise<Hash[]> {
  const { leaves } = integrityLayout(log);
  const sources = [() => leavesOfLog(log)];
  if ((await countLeaves(leaves)) >= checkpoint.size) sources.unshift(() => readLeaves(leaves));
  for (const source of sources) {
    const visitor = start();
    let left = checkpoint.size;
    for await (const batch of source()) {
      for (const leaf of batch.slice(0, left)) visitor.add(leaf);
      left -= Math.min(left, batch.length);
      if (left === 0) break;
    }
    const hashes = left === 0 ? visitor.finish() : undefined;
    if (hashes !== undefined) return hashes;
  }
  throw departed(log, checkpoint);
}

async function* leavesOfLog(log: string): AsyncGenerator<Hash[], void, undefined> {
  for await (const batch of readLines(readSegments(await findSegments(log))))
    yield batch.map(({ bytes }) => leafHash(bytes));
}

function departed(log: string, { size }: Checkpoint): IntegrityError {
  return new IntegrityError(`${log} does not lead to its checkpoint of ${size} records; run verify`);
}
