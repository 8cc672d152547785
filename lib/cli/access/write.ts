import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { sleep } from '../../internal/duration.js';
import { parseVkey } from '../../integrity/tlog/note.js';
import { integrityLayout, parseState, readIfThere } from '../../integrity/storage/files.js';
import { firstOrigin } from '../../integrity/tlog/checkpoint.js';
import type { DraftRecord } from '../../schema/record.js';
import { countAfter, Sequence } from '../../pipeline/queue.js';
import { FileSink } from '../../sinks/file/fileSink.js';
import { accessLayout, type AccessLogOptions } from '../../sinks/file/accessLog.js';
import type { FileNotice } from '../../sinks/file/notice.js';
import { isLogInUse } from '../../sinks/file/lock.js';

/** How long to wait for other commands, in milliseconds. Each of them holds the log for a moment. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = [30, 400] as const;

/** A log that commands write, one record at a time. */
export interface SealedPlace {
  readonly path: string;
  /** The key that signs it: a file that exists, or where one is made. */
  readonly key: string | { readonly generate: string };
  /** Default: the host and the name of the file, or what the log already has. */
  readonly origin?: string | undefined;
  /** Takes notices about the file. */
  readonly onNotice: (notice: FileNotice) => void;
}

/** The access log of one log. */
export interface AccessLogPlace {
  /** The log that is read. */
  readonly log: string;
  readonly options: AccessLogOptions;
  /** Takes notices about the access log's file. */
  readonly onNotice: (notice: FileNotice) => void;
}

/** Writes a record to the access log of a log, as {@link writeSealed} does. */
export function writeAccess({ log, options, onNotice }: AccessLogPlace, draft: DraftRecord): Promise<void> {
  const { log: path, key: generate } = accessLayout(log);
  const { key = { generate }, origin } = options;
  return writeSealed({ path, key, origin, onNotice }, draft);
}

/**
 * Writes a record to a log and seals it, then resolves. The file is held only meanwhile, so that commands can take turns.
 *
 * @throws If the record could not be written, flushed to disk and sealed.
 */
export async function writeSealed(place: SealedPlace, draft: DraftRecord): Promise<void> {
  const { path } = place;
  const sink = await openSink(place);
  try {
    const record = new Sequence(countAfter([sink])).number(draft);
    const result = await sink.emit([record]);
    if (result.status !== 'delivered') throw result.error;
    const [rejected] = result.rejected ?? [];
    if (rejected !== undefined) throw rejected.error;
  } finally {
    await sink.close();
  }
  if (!(await isSealed(path))) throw new Error('it could not be sealed');
}

async function openSink({ path, key, origin: given, onNotice }: SealedPlace): Promise<FileSink> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let pause: number = PAUSE_MS[0]; ; pause = Math.min(pause * 1.5, PAUSE_MS[1])) {
    try {
      // Another command may have begun the log meanwhile. Then its origin counts.
      const origin = given ?? (await originOf(path));
      return new FileSink({ path, fsync: 'always', integrity: { origin, key }, onNotice });
    } catch (error) {
      if (!isLogInUse(error) || performance.now() > deadline) throw error;
      await sleep(pause * (0.5 + Math.random()));
    }
  }
}

/** The origin of the log, or a new one from the host and the file's name. A note's name holds no space and no plus. */
async function originOf(path: string): Promise<string> {
  const vkey = (await readIfThere(integrityLayout(path).vkey))?.split('\n')[0] ?? '';
  try {
    return firstOrigin(parseVkey(vkey).name);
  } catch {
    return `${hostname()}/${basename(path)}`.replace(/[^\w./-]/g, '_');
  }
}

/** Whether the newest checkpoint covers the whole log. A failure to seal does not fail the write itself. */
async function isSealed(path: string): Promise<boolean> {
  const { state, checkpoint } = integrityLayout(path);
  const saved = parseState(await readFile(state, 'utf8').catch(() => ''));
  const note = await readFile(checkpoint, 'utf8').catch(() => '');
  return saved?.closed === true && note.split('\n')[1] === String(saved.size);
}
