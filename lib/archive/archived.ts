import { mkdir, open, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { integrityLayout } from '../integrity/storage/files.js';
import type { Segment } from '../integrity/storage/segments.js';
import { HASH_BYTES } from '../integrity/tlog/merkle.js';
import {
  ArchiveError,
  ObjectStore,
  parseAddress,
  type Environment,
  type StoreOptions,
  type StoredObject,
} from './objectStore.js';

/** What the archive says of one segment: the last object that is written of it, so that the others are there if it is. */
export interface SegmentManifest {
  readonly version: 1;
  /** The identity of the log. */
  readonly origin: string;
  /** The name that the segment had on the machine. */
  readonly file: string;
  /** The index of its first record, and how many it holds. */
  readonly first: number;
  readonly count: number;
  /** The root of the log's tree at its end, in Base64. */
  readonly root: string;
  /** The times of its first and last record. */
  readonly from?: string;
  readonly to?: string;
  /** The object with its bytes, their number and their SHA-256 (hexadecimal); of the content too, which may be compressed. */
  readonly object: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly content_sha256: string;
  /** The object with the leaf hashes, from its first record to the last that the checkpoint covers. */
  readonly leaves: string;
  readonly leaves_count: number;
  readonly leaves_sha256: string;
  /** The checkpoint that covers it: a signed note. */
  readonly checkpoint: string;
  /** All checkpoints since the segment before it, and those that witnesses cosigned. */
  readonly checkpoints: readonly string[];
  readonly cosigned: readonly string[];
  /** The answers of time-stamping authorities in that range, in Base64. */
  readonly timestamps: readonly { readonly size: number; readonly reply: string }[];
  /** The verifier keys as they lay beside the log: a convenience. */
  readonly vkeys: readonly string[];
  readonly archived_at: string;
  readonly archived_by: string;
}

/** Digits of an index in the name of an object: names sort as the records follow each other. */
const DIGITS = 12;

/** The names of the objects of a segment, within the folder of the log. */
export function objectNames(first: number, checkpointSize: number, compressed: boolean) {
  const at = String(first).padStart(DIGITS, '0');
  return {
    object: `${at}.jsonl${compressed ? '.gz' : ''}`,
    leaves: `${at}-${String(checkpointSize).padStart(DIGITS, '0')}.leaves`,
    manifest: `${at}.json`,
  };
}

/** The folder of a log in a bucket. A log that was started anew after a tamper is another log, and gets a folder of its own. */
export function folderOf(
  to: string,
  log: string,
  origin: string,
): { readonly bucket: string; readonly folder: string } {
  const { bucket, key } = parseAddress(to);
  const restart = /\/(restart-[\dTZ]+)$/.exec(origin)?.[1];
  const name = restart === undefined ? basename(log) : `${basename(log)}.${restart}`;
  return { bucket, folder: key === '' ? name : `${key}/${name}` };
}

/** One archived log, as its manifests tell of it. */
export interface ArchivedLog {
  /** Its address: `s3://bucket/folder/audit.jsonl`. */
  readonly address: string;
  /** Its segments with their sizes, in order; one that is missing has its place among them. */
  readonly segments: readonly (Segment & { readonly bytes: number })[];
  /** What is worth knowing: names that something was laid over, an object without its manifest. */
  readonly warnings: readonly string[];
  /**
   * Writes the evidence into a folder, as it would lie beside a log on disk: checkpoints, leaf hashes, timestamps, verifier keys.
   *
   * @returns the path that the log would have in the folder.
   */
  evidence(folder: string): Promise<string>;
}

/**
 * Finds an archived log. Its segments are read when they are asked for.
 *
 * @throws ArchiveError when nothing is archived under the address, or the storage cannot be asked.
 */
export async function openArchived(
  address: string,
  options: StoreOptions,
  env: Environment,
): Promise<ArchivedLog> {
  const { bucket, key: folder } = parseAddress(address);
  const store = ObjectStore.open(bucket, options, env);
  const objects = new Map((await store.list(`${folder}/`)).map((object) => [object.key, object]));
  const manifests: SegmentManifest[] = [];
  for (const object of objects.values())
    if (/\/\d{12}\.json$/.test(object.key) && dirname(object.key) === folder)
      manifests.push(
        parseManifest(store.address(object.key), await store.readAll(object.key, object.versionId)),
      );
  if (manifests.length === 0) throw new ArchiveError(`${store.address(folder)}: no log is archived there`);
  manifests.sort((a, b) => a.first - b.first);
  return {
    address: store.address(folder),
    segments: segmentsOf(store, folder, manifests, objects),
    warnings: warningsOf(store, objects),
    evidence: (target) => writeEvidence({ store, folder, objects, manifests }, target),
  };
}

/** @throws ArchiveError when it is none. */
export function parseManifest(name: string, bytes: Buffer): SegmentManifest {
  try {
    const manifest = JSON.parse(bytes.toString('utf8')) as SegmentManifest;
    const { version, first, count, object, leaves, leaves_count, checkpoint } = manifest;
    const sound =
      version === 1 &&
      [first, count, leaves_count].every((n) => Number.isSafeInteger(n) && n >= 0) &&
      [object, leaves].every((each) => /^[\w.-]+$/.test(each)) &&
      typeof checkpoint === 'string' &&
      [manifest.checkpoints, manifest.cosigned, manifest.timestamps, manifest.vkeys].every(Array.isArray);
    if (sound) return manifest;
  } catch {
    // The error below says it.
  }
  throw new ArchiveError(`${name} is not the manifest of an archived segment`);
}

function segmentsOf(
  store: ObjectStore,
  folder: string,
  manifests: readonly SegmentManifest[],
  objects: ReadonlyMap<string, StoredObject>,
): (Segment & { readonly bytes: number })[] {
  const segments: (Segment & { readonly bytes: number })[] = [];
  let next = 0;
  for (const { first, count, object } of manifests) {
    if (first > next) segments.push(absent(store.address(`${folder}/…`), next, first - next));
    const key = `${folder}/${object}`;
    const there = objects.get(key);
    segments.push({
      path: store.address(key),
      present: there !== undefined,
      range: { first, count },
      bytes: there?.bytes ?? 0,
      open: (from) => store.read(key, there?.versionId, from),
    });
    next = first + count;
  }
  const last = manifests.at(-1);
  const covered = last === undefined ? next : last.first + last.leaves_count;
  if (covered > next)
    segments.push({
      ...absent(store.address(folder), next, covered - next),
      because: 'were still being written when the log was archived',
    });
  return segments;
}

function absent(path: string, first: number, count: number) {
  return { path, present: false, range: { first, count }, bytes: 0 };
}

function warningsOf(store: ObjectStore, objects: ReadonlyMap<string, StoredObject>): string[] {
  return [...objects.values()]
    .filter(({ later }) => later > 0)
    .map(
      ({ key, later }) =>
        `${store.address(key)}: ${later === 1 ? 'a newer version or a delete marker was' : `${later} newer versions or delete markers were`} laid over it; what was archived is read`,
    );
}

interface Evidence {
  readonly store: ObjectStore;
  readonly folder: string;
  readonly objects: ReadonlyMap<string, StoredObject>;
  readonly manifests: readonly SegmentManifest[];
}

async function writeEvidence(
  { store, folder, objects, manifests }: Evidence,
  target: string,
): Promise<string> {
  const log = join(target, basename(folder));
  const layout = integrityLayout(log);
  await mkdir(layout.timestamps, { recursive: true, mode: 0o700 });
  const last = manifests.at(-1) as SegmentManifest;
  const put = (path: string, content: string | Uint8Array) => writeFile(path, content, { mode: 0o600 });
  await put(layout.checkpoint, last.checkpoint);
  await put(layout.history, manifests.flatMap(({ checkpoints }) => checkpoints).join(''));
  const cosigned = manifests.flatMap((manifest) => manifest.cosigned);
  if (cosigned.length > 0) await put(layout.cosigned, cosigned.join(''));
  await put(
    layout.vkey,
    [...new Set(manifests.flatMap(({ vkeys }) => vkeys))].map((key) => `${key}\n`).join(''),
  );
  for (const { timestamps } of manifests)
    for (const { size, reply } of timestamps)
      if (Number.isSafeInteger(size))
        await put(join(layout.timestamps, `${size}.tsr`), Buffer.from(reply, 'base64'));
  const file = await open(layout.leaves, 'w', 0o600);
  try {
    for (const manifest of manifests) {
      const key = `${folder}/${manifest.leaves}`;
      // The hashes before a gap vouch for nothing after it.
      if (!objects.has(key)) break;
      const wanted = (manifest === last ? manifest.leaves_count : manifest.count) * HASH_BYTES;
      let at = 0;
      for await (const part of store.read(key, objects.get(key)?.versionId)) {
        const piece = part.subarray(0, wanted - at);
        await file.write(piece, 0, piece.length, manifest.first * HASH_BYTES + at);
        at += piece.length;
        if (at === wanted) break;
      }
    }
  } finally {
    await file.close();
  }
  return log;
}
