import {
  chmodSync,
  chownSync,
  createReadStream,
  createWriteStream,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { counterOf } from '../../schema/ids.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { accessOf, FILE_MODE, syncFolder, lastLineFeed, readRange, recordIn, type Access } from './open.js';

/**
 * When a log is cut into parts. Nothing is deleted unless `keep` says so.
 *
 * @see docs/sinks.md
 */
export interface RotationOptions {
  /**
   * How large the file may become: a batch that would make it larger starts a new one.
   * @defaultValue any size
   * @minimum 1
   * @unit bytes
   * @variable OTEL_MCP_LOG_ROTATE_MAX_BYTES
   */
  readonly maxBytes?: number;
  /**
   * How old the file may become: the first record after that starts a new one. The range of a `Date` bounds it (ECMA-262, "Time
   * Values and Time Range").
   * @defaultValue any age
   * @minimum 1
   * @maximum 8,640,000,000,000,000
   * @unit ms
   * @variable OTEL_MCP_LOG_ROTATE_MAX_AGE_MS
   */
  readonly maxAgeMs?: number;
  /**
   * Whether all finished parts but the newest are compressed with gzip.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_ROTATE_COMPRESS
   */
  readonly compress?: boolean;
  /**
   * How many finished parts stay; older ones are deleted: the only option that deletes anything.
   * @defaultValue all
   * @minimum 1
   * @variable OTEL_MCP_LOG_ROTATE_KEEP
   */
  readonly keep?: number;
}

/** How many digits a segment's number has, so that names sort in the order in which they were made. */
const DIGITS = 6;

/** A finished part of a log: `audit.jsonl.000001`, or `audit.jsonl.000001.gz`. */
interface Segment {
  readonly path: string;
  readonly number: number;
  readonly compressed: boolean;
}

/** The finished parts of a log, oldest first. */
function segmentsOf(logPath: string): Segment[] {
  const folder = dirname(logPath);
  const prefix = `${basename(logPath)}.`;
  const found: Segment[] = [];
  for (const name of readdirSync(folder)) {
    const match = name.startsWith(prefix) ? /^(\d{6,})(\.gz)?$/.exec(name.slice(prefix.length)) : null;
    if (match === null) continue;
    found.push({ path: join(folder, name), number: Number(match[1]), compressed: match[2] !== undefined });
  }
  return found.sort((a, b) => a.number - b.number);
}

/** Who may read the newest finished part: the file that follows it is for the same readers. */
export function accessOfNewest(logPath: string): Access | undefined {
  const newest = segmentsOf(logPath).at(-1);
  const stats = newest && statSync(newest.path, { throwIfNoEntry: false });
  return stats && accessOf(stats);
}

/** Renames the log's file to the next segment. A segment never changes its name, so that references to it stay true. */
export function moveAside(logPath: string): string {
  const next = (segmentsOf(logPath).at(-1)?.number ?? 0) + 1;
  const segment = `${logPath}.${String(next).padStart(DIGITS, '0')}`;
  renameSync(logPath, segment);
  syncFolder(logPath);
  return segment;
}

/**
 * Compresses all segments but the newest, whose last line says where the numbers of the log go on, and deletes the oldest beyond
 * `keep`.
 */
export async function tidy(logPath: string, compress: boolean, keep: number): Promise<void> {
  const segments = segmentsOf(logPath);
  for (const segment of segments.slice(0, Math.max(0, segments.length - keep))) unlinkSync(segment.path);
  if (!compress) return;
  for (const segment of segmentsOf(logPath).slice(0, -1))
    if (!segment.compressed) await compressSegment(segment.path);
}

/** Compresses a segment. The plain file is deleted only when the compressed one is whole and on the disk. */
async function compressSegment(path: string): Promise<void> {
  // Loaded only where parts are compressed.
  const [{ pipeline }, { createGzip }] = await Promise.all([
    import('node:stream/promises'),
    import('node:zlib'),
  ]);
  const draft = `${path}.gz.tmp`;
  const output = createWriteStream(draft, { mode: FILE_MODE, flush: true });
  await pipeline(createReadStream(path), createGzip(), output);
  letRead(draft, accessOf(statSync(path)));
  await rename(draft, `${path}.gz`);
  syncFolder(path);
  unlinkSync(path);
}

/** Gives the compressed file the readers of the plain one. */
function letRead(path: string, { mode, group }: Access): void {
  const { uid, gid } = statSync(path);
  try {
    if (gid !== group) chownSync(path, uid, group);
  } catch {
    return;
  }
  if (mode !== FILE_MODE) chmodSync(path, mode);
}

/** How far back to look for unfinished intents and tool definitions, in bytes. The bound keeps a start from taking longer for a larger log. */
const LOOK_BACK = 8 * 1024 * 1024;
/** The stage of an intent. */
const INTENT = 'request_received';

/** What an earlier process left in the log, as it was when it was opened. */
export class LogHistory {
  #recent: Recent | undefined;
  /** The newest finished part, if there is one: the log may have been cut just before the last process ended. */
  readonly #segment: string | undefined;

  /** @param size - how many bytes the log had when it was opened. */
  constructor(
    private readonly path: string,
    private readonly size: number,
  ) {
    this.#segment = segmentsOf(path)
      .filter((segment) => !segment.compressed)
      .at(-1)?.path;
  }

  /** The `seq` of the last record. */
  lastSeq(): number | undefined {
    const seq: unknown = this.lastRecord()?.seq;
    return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
  }

  /** Who counted it. */
  lastCounter(): LogCounter | undefined {
    return counterOf(this.lastRecord());
  }

  /** What the last record is of. */
  lastResource(): string | undefined {
    const resource: unknown = this.lastRecord()?.resource;
    return typeof resource === 'string' ? resource : undefined;
  }

  /** The last record. */
  lastRecord(): AuditRecord | undefined {
    return this.#last(this.path, this.size) ?? this.#last(this.#segment);
  }

  /** The intents whose operation has no later record. They are read when they are first asked for. */
  unfinishedIntents(): readonly AuditRecord[] {
    return (this.#recent ??= recentIn(this.#text())).intents;
  }

  /** The fingerprints of the tool definitions, and when each was last written. */
  keptDefinitions(): ReadonlyMap<string, number> {
    return (this.#recent ??= recentIn(this.#text())).definitions;
  }

  #last(path: string | undefined, size?: number): AuditRecord | undefined {
    return path === undefined
      ? undefined
      : withFile(path, size, (fd, end) => recordIn(readRange(fd, lastLineFeed(fd, end - 1) + 1, end - 1)));
  }

  #text(): string {
    const read = (path: string, size: number | undefined, most: number) =>
      withFile(path, size, (fd, end) => readRange(fd, Math.max(0, end - most), end).toString('utf8')) ?? '';
    const own = read(this.path, this.size, LOOK_BACK);
    const older =
      this.#segment === undefined ? '' : read(this.#segment, undefined, LOOK_BACK - Buffer.byteLength(own));
    return older + own;
  }
}

/** What the end of a log holds that the next process needs to know. */
interface Recent {
  readonly intents: readonly AuditRecord[];
  readonly definitions: ReadonlyMap<string, number>;
}

/** Finds intents without a completion, and tool definitions. Only lines that may hold one are parsed, which is faster. */
function recentIn(text: string): Recent {
  const intents = new Map<string, AuditRecord>();
  const definitions = new Map<string, number>();
  for (const line of text.split('\n')) {
    const defines = line.includes('"audit/tool-definition"');
    if (!defines && !line.includes('"operation_id"')) continue;
    const record = recordIn(line);
    if (record === undefined) continue;
    const fingerprint = defines ? fingerprintIn(record) : undefined;
    if (fingerprint !== undefined) definitions.set(fingerprint, Date.parse(record.time));
    if (typeof record.operation_id !== 'string') continue;
    if (record.stage === INTENT) intents.set(record.operation_id, record);
    else intents.delete(record.operation_id);
  }
  return { intents: [...intents.values()], definitions };
}

/** The fingerprint of the definition that a record keeps. */
function fingerprintIn({ resource, data }: AuditRecord): string | undefined {
  const { fingerprint, definition } = (data ?? {}) as { fingerprint?: unknown; definition?: unknown };
  const keeps = resource === 'audit/tool-definition' && typeof definition === 'string';
  return keeps && typeof fingerprint === 'string' ? fingerprint : undefined;
}

function withFile<T>(
  path: string,
  size: number | undefined,
  read: (fd: number, end: number) => T,
): T | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY);
  } catch {
    return undefined;
  }
  try {
    return read(fd, size ?? fstatSync(fd).size);
  } finally {
    closeSync(fd);
  }
}
