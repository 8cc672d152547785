import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { AuditRecord } from '../../schema/record.js';
import { segmentsOf } from './segments.js';
import { lastLineFeed, readRange, recordIn } from './tail.js';

/** How far back unfinished intents are looked for, in bytes: bounded, so that a start takes no longer for a larger log. */
const LOOK_BACK = 8 * 1024 * 1024;
/** The stage of an intent. */
const INTENT = 'request_received';

/** A log as it was when it was opened: what an earlier process left in it. */
export class LogHistory {
  #intents: readonly AuditRecord[] | undefined;
  /** The newest finished part, while it is there; the log may have been cut just before the last process ended. */
  readonly #segment: string | undefined;

  /** @param size - of the log when it was opened, in bytes. */
  constructor(
    private readonly path: string,
    private readonly size: number,
  ) {
    this.#segment = segmentsOf(path)
      .filter((segment) => !segment.compressed)
      .at(-1)?.path;
  }

  /** The number of the last record. */
  lastSeq(): number | undefined {
    const seq: unknown = this.lastRecord()?.seq;
    return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
  }

  /** The last record. */
  lastRecord(): AuditRecord | undefined {
    return this.#last(this.path, this.size) ?? this.#last(this.#segment);
  }

  /** Intents whose operation has no later record. Read when first asked for. */
  unfinishedIntents(): readonly AuditRecord[] {
    return (this.#intents ??= unfinished(this.#recent()));
  }

  #last(path: string | undefined, size?: number): AuditRecord | undefined {
    return path === undefined
      ? undefined
      : withFile(path, size, (fd, end) => recordIn(readRange(fd, lastLineFeed(fd, end - 1) + 1, end - 1)));
  }

  #recent(): string {
    const read = (path: string, size: number | undefined, most: number) =>
      withFile(path, size, (fd, end) => readRange(fd, Math.max(0, end - most), end).toString('utf8')) ?? '';
    const own = read(this.path, this.size, LOOK_BACK);
    const older =
      this.#segment === undefined ? '' : read(this.#segment, undefined, LOOK_BACK - Buffer.byteLength(own));
    return older + own;
  }
}

/** Only lines that can matter are parsed. */
function unfinished(text: string): AuditRecord[] {
  const intents = new Map<string, AuditRecord>();
  for (const line of text.split('\n')) {
    if (!line.includes('"operation_id"')) continue;
    const record = recordIn(line);
    if (typeof record?.operation_id !== 'string') continue;
    if (record.stage === INTENT) intents.set(record.operation_id, record);
    else intents.delete(record.operation_id);
  }
  return [...intents.values()];
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
