import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { IntegrityError } from '../errors.js';
import { integrityLayout, readIfThere, replaceFile } from '../integrity/storage/files.js';
import { ObjectStore, type Environment, type StoreOptions } from './objectStore.js';

const DAY_MS = 86_400_000;

/** Where a log is archived, and how its objects are locked; checked. */
export interface ArchiveTarget extends StoreOptions {
  /** `s3://bucket/folder`. */
  readonly to: string;
  readonly lock: 'bucket' | 'compliance' | 'governance' | 'none';
  /** For how many days an object is locked from its upload on, where `lock` is a mode. */
  readonly lockDays?: number | undefined;
  readonly legalHold?: boolean | undefined;
  readonly partBytes: number;
}

/** A segment that is archived, as `archive.json` beside the log has it. */
export interface ArchivedSegment {
  /** The address of the log in the archive. */
  readonly archive: string;
  readonly file: string;
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  readonly content_sha256: string;
  /** The objects of the segment: its bytes, its leaf hashes, its manifest. */
  readonly objects: readonly { readonly key: string; readonly version?: string }[];
  /** Until when the storage keeps the objects whatever is asked of it; absent where it does not lock. */
  readonly locked_until?: string;
  readonly to?: string;
  readonly archived_at: string;
}

/** Where the log keeps what it has archived. */
function archiveFile(log: string): string {
  return join(integrityLayout(log).folder, 'archive.json');
}

interface ArchiveState {
  /** The archive of the log, as it was configured last. */
  readonly target?: ArchiveTarget;
  readonly segments: readonly ArchivedSegment[];
}

/**
 * What a log keeps about its archive. It only says where to look: what may be deleted is asked of the storage itself.
 *
 * @throws IntegrityError when the file is damaged.
 */
async function readState(log: string): Promise<ArchiveState> {
  const text = await readIfThere(archiveFile(log));
  if (text === undefined) return { segments: [] };
  try {
    const { version, target, segments } = JSON.parse(text) as ArchiveState & { version: unknown };
    if (version === 1 && segments.every(({ objects }) => Array.isArray(objects)))
      return { ...(target && { target }), segments };
  } catch {
    // The error below says it.
  }
  throw new IntegrityError(
    `${archiveFile(log)} is damaged: remove it and run archive, which finds what is archived in the archive again`,
  );
}

/** Replaces what a log keeps about its archive. */
export async function writeState(log: string, state: ArchiveState): Promise<void> {
  await replaceFile(archiveFile(log), `${JSON.stringify({ version: 1, ...state }, undefined, 1)}\n`);
}

/** The segments of a log that are archived. */
export async function archivedSegments(log: string): Promise<readonly ArchivedSegment[]> {
  return (await readState(log)).segments;
}

/** The archive that is configured for a log: what is not in it must not be deleted here. */
export async function archiveTarget(log: string): Promise<ArchiveTarget | undefined> {
  return (await readState(log)).target;
}

/** Notes that a log has an archive, before anything is in it. */
export async function configureArchive(log: string, target: ArchiveTarget): Promise<void> {
  const state = await readState(log);
  if (JSON.stringify(state.target) !== JSON.stringify(target)) await writeState(log, { ...state, target });
}

/** Who runs this: the account of the operating system, and the machine. */
export function whoami(): string {
  let name: string;
  try {
    name = userInfo().username;
  } catch {
    name = String(process.getuid?.() ?? 'unknown');
  }
  return `${name}@${hostname()}`;
}

/**
 * Asks the storage whether an archived segment lies there still, locked for long enough.
 *
 * @param until What the lock must reach, if any.
 * @returns why its local copy has to stay; nothing if it may go.
 */
export async function archiveFault(
  { archive, objects, bytes }: ArchivedSegment,
  options: StoreOptions & { readonly mustLock: boolean; readonly until?: Date | undefined },
  env: Environment,
): Promise<string | undefined> {
  const bucket = archive.slice('s3://'.length).split('/')[0] ?? '';
  const store = ObjectStore.open(bucket, options, env);
  for (const [at, { key, version }] of objects.entries()) {
    const facts = await store.head(key, version);
    if (facts === undefined) return `${store.address(key)} is not in the archive any more`;
    if (at === 0 && facts.bytes !== bytes)
      return `${store.address(key)} has ${facts.bytes} bytes, not ${bytes}`;
    const { until } = facts.lock;
    if (options.mustLock && until === undefined) return `${store.address(key)} is not locked any more`;
    if (options.mustLock && options.until !== undefined && until !== undefined && until < options.until)
      return `${store.address(key)} is locked until ${until.toISOString()} only, and is to be kept until ${options.until.toISOString()}`;
    const skew = facts.serverTime === undefined ? 0 : Date.now() - facts.serverTime.getTime();
    if (Math.abs(skew) > DAY_MS)
      return `the clock of this machine is ${Math.round(skew / DAY_MS)} days ahead of the storage's`;
  }
  return undefined;
}
