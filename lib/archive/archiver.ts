import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { IntegrityError } from '../errors.js';
import { integrityLayout, readIfThere } from '../integrity/storage/files.js';
import { findSegments } from '../integrity/storage/segments.js';
import { parseCheckpoint, type Checkpoint } from '../integrity/tlog/checkpoint.js';
import { hashToBase64, type Hash } from '../integrity/tlog/merkle.js';
import { folderOf, objectNames, parseManifest, type SegmentManifest } from './archived.js';
import {
  ArchiveError,
  ObjectStore,
  type Environment,
  type ObjectFacts,
  type ObjectLock,
  type StoredObject,
} from './objectStore.js';
import {
  archivedSegments,
  configureArchive,
  whoami,
  writeState,
  type ArchivedSegment,
  type ArchiveTarget,
} from './state.js';
import {
  leavesOf,
  scan,
  sealedHistory,
  contentOf,
  contentOfFile,
  type FinishedSegment,
  type History,
  type Content,
} from './sealed.js';
import { locked, upload, type UploadOptions } from './upload.js';

/** How archiving goes. */
export interface ArchiveRun {
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  /** Called with each segment once it is in the archive and proved. */
  readonly onArchived?: ((segment: ArchivedSegment & { readonly resumed: number }) => void) | undefined;
}

/** What a run of archiving did. */
export interface ArchiveResult {
  /** The address of the log in the archive. */
  readonly address: string;
  readonly archived: readonly ArchivedSegment[];
  /** Segments that were in the archive before. */
  readonly before: number;
  /** Finished segments that no checkpoint covers yet. */
  readonly unsealed: number;
}

const DAY_MS = 86_400_000;

/**
 * Brings all finished and sealed segments of a log to an archive, oldest first, each with its leaf hashes, its checkpoints and
 * timestamps. A segment counts as archived when every object of it was read back and found locked. Runs for one log must not overlap.
 *
 * @throws ArchiveError when the storage fails; IntegrityError when a segment is not what was sealed: such a one is not archived.
 */
export async function archiveLog(
  log: string,
  target: ArchiveTarget,
  run: ArchiveRun,
): Promise<ArchiveResult> {
  const layout = integrityLayout(log);
  const note = await readIfThere(layout.checkpoint);
  if (note === undefined)
    throw new IntegrityError(
      `${log} is not sealed: an archive holds sealed segments (see docs/integrity.md)`,
    );
  const newest = parseCheckpoint(note);
  const { bucket, folder } = folderOf(target.to, log, newest.origin);
  const store = ObjectStore.open(bucket, target, run.env);
  const address = store.address(folder);
  await configureArchive(log, target);
  const known = [...(await archivedSegments(log))];
  const finished = (await findSegments(log)).filter(
    (segment): segment is FinishedSegment => segment.range !== undefined && segment.path !== log,
  );
  const isThere = ({ range }: FinishedSegment) =>
    known.some((each) => each.archive === address && each.first === range.first);
  const sealed = finished.filter(({ range }) => range.first + range.count <= newest.size && range.count > 0);
  const wanted = sealed.filter((segment) => segment.present && !isThere(segment));
  const archived: ArchivedSegment[] = [];
  if (wanted.length > 0) {
    const there = new Map((await store.list(`${folder}/`)).map((object) => [object.key, object]));
    const proof = await sealedHistory(log, newest, wanted);
    for (const segment of wanted) {
      run.signal?.throwIfAborted();
      const work = { log, segment, store, folder, target, proof, run, there };
      const done = await archiveSegment(work).catch((error: unknown) => {
        // It was compressed meanwhile, and has another name now.
        const compressed = `${segment.path}.gz`;
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(compressed)) throw error;
        return archiveSegment({ ...work, segment: { ...segment, path: compressed } });
      });
      archived.push(done.entry);
      known.push(done.entry);
      await writeState(log, { target, segments: known });
      run.onArchived?.({ ...done.entry, resumed: done.resumed });
    }
  }
  return {
    address,
    archived,
    before: sealed.filter(isThere).length - archived.length,
    unsealed: finished.length - sealed.length,
  };
}

interface SegmentWork {
  readonly log: string;
  readonly segment: FinishedSegment;
  readonly store: ObjectStore;
  readonly folder: string;
  readonly target: ArchiveTarget;
  readonly proof: History;
  readonly run: ArchiveRun;
  /** What lies in the folder already. */
  readonly there: ReadonlyMap<string, StoredObject>;
}

interface ArchivedNow {
  readonly entry: ArchivedSegment;
  readonly resumed: number;
}

async function archiveSegment(work: SegmentWork): Promise<ArchivedNow> {
  const { log, segment, store, folder, proof, there } = work;
  const { first, count } = segment.range;
  const covering = proof.checkpoints.find(({ size }) => size >= first + count) as Checkpoint;
  const scanned = await scan(log, segment);
  const names = objectNames(first, covering.size, segment.path.endsWith('.gz'));
  const key = `${folder}/${names.manifest}`;
  const earlier = there.get(key);
  if (earlier === undefined) return putSegment(work, names, covering, scanned);
  const manifest = parseManifest(store.address(key), await store.readAll(key, earlier.versionId));
  // The log may have been compressed since: what counts is its content, and who sealed it.
  if (
    manifest.content_sha256 !== scanned.sha256 ||
    !manifest.vkeys.some((vkey) => proof.vkeys.includes(vkey))
  )
    throw new ArchiveError(
      `${store.address(key)} is of other records or another key: another log is archived under this name`,
    );
  return findSegment(work, manifest, earlier);
}

/** Proves a segment anew that is in the archive, of which this machine has lost sight. */
async function findSegment(
  work: SegmentWork,
  manifest: SegmentManifest,
  itself: StoredObject,
): Promise<ArchivedNow> {
  const { store, folder, there } = work;
  const options = optionsOf(work);
  const objects: ObjectFacts[] = [];
  for (const [name, sha256] of [
    [manifest.object, manifest.sha256],
    [manifest.leaves, manifest.leaves_sha256],
  ] as const) {
    const key = `${folder}/${name}`;
    const own = there.get(key);
    if (own === undefined || (await store.digest(key, own.versionId)).sha256 !== sha256)
      throw new ArchiveError(`${store.address(key)} is not what its manifest says`);
    objects.push(await locked(store, key, own.versionId, options));
  }
  objects.push(await locked(store, itself.key, itself.versionId, options));
  return { entry: entryOf(work, manifest, objects), resumed: manifest.bytes };
}

async function putSegment(
  work: SegmentWork,
  names: ReturnType<typeof objectNames>,
  covering: Checkpoint,
  scanned: Awaited<ReturnType<typeof scan>>,
): Promise<ArchivedNow> {
  const { log, segment, store, folder, proof, there } = work;
  const { first, count } = segment.range;
  const put = (name: string, content: Content) => {
    const key = `${folder}/${name}`;
    return upload(store, key, content, { ...optionsOf(work), there: there.get(key) });
  };
  const file = await contentOfFile(segment.path);
  let object;
  try {
    object = await put(names.object, file);
  } finally {
    await file.handle.close();
  }
  const leaves = await put(names.leaves, contentOf(await leavesOf(log, first, covering.size)));
  const within = ({ size }: { readonly size: number }) => size > first && size <= covering.size;
  const manifest: SegmentManifest = {
    version: 1,
    origin: covering.origin,
    file: basename(segment.path),
    first,
    count,
    root: hashToBase64(proof.roots.get(first + count) as Hash),
    ...scanned.times,
    object: names.object,
    bytes: object.bytes,
    sha256: object.sha256,
    content_sha256: scanned.sha256,
    leaves: names.leaves,
    leaves_count: covering.size - first,
    leaves_sha256: leaves.sha256,
    checkpoint: covering.note,
    checkpoints: proof.checkpoints.filter(within).map(({ note }) => note),
    cosigned: proof.cosigned.filter(within).map(({ note }) => note),
    timestamps: proof.timestamps.filter(within),
    vkeys: proof.vkeys,
    archived_at: new Date().toISOString(),
    archived_by: whoami(),
  };
  // Last, so that the others are there if it is.
  const itself = await put(
    names.manifest,
    contentOf(Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`)),
  );
  return { entry: entryOf(work, manifest, [object, leaves, itself]), resumed: object.resumed };
}

function entryOf(
  { store, folder, segment }: SegmentWork,
  { first, count, bytes, content_sha256, to, archived_at }: SegmentManifest,
  objects: readonly ObjectFacts[],
): ArchivedSegment {
  const until = objects[0]?.lock.until;
  return {
    archive: store.address(folder),
    file: basename(segment.path),
    first,
    count,
    bytes,
    content_sha256,
    objects: objects.map(({ key, versionId }) => ({
      key,
      ...(versionId !== undefined && { version: versionId }),
    })),
    ...(until !== undefined && { locked_until: until.toISOString() }),
    ...(to !== undefined && { to }),
    archived_at,
  };
}

function optionsOf({ target, run }: SegmentWork): UploadOptions {
  return {
    lock: lockOf(target),
    mustLock: target.lock !== 'none',
    partBytes: target.partBytes,
    signal: run.signal,
  };
}

function lockOf({ lock, lockDays, legalHold }: ArchiveTarget): ObjectLock {
  const mode = lock === 'compliance' ? 'COMPLIANCE' : lock === 'governance' ? 'GOVERNANCE' : undefined;
  return {
    ...(mode !== undefined && { mode, until: new Date(Date.now() + (lockDays ?? 0) * DAY_MS) }),
    ...(legalHold === true && { legalHold }),
  };
}
