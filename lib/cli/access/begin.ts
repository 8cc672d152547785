import { readFile, realpath } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { existsSync } from 'node:fs';
import { sleep } from '../../internal/duration.js';
import { parseVkey } from '../../integrity/tlog/note.js';
import { integrityLayout, parseState, readIfThere } from '../../integrity/storage/files.js';
import { firstOrigin } from '../../integrity/tlog/checkpoint.js';
import type { DraftRecord } from '../../schema/record.js';
import { countAfter, Sequence } from '../../pipeline/queue.js';
import { FileSink } from '../../sinks/file/fileSink.js';
import { accessLayout, readAccessDescription, type AccessLogOptions } from '../../sinks/file/accessLog.js';
import type { FileNotice } from '../../sinks/file/notice.js';
import { isLogInUse } from '../../sinks/file/lock.js';
import { isStored } from '../../archive/objectStore.js';
import { isTable } from '../input/clickhouse.js';
import { printable } from '../../internal/text.js';
import {
  inputFailure,
  systemReason,
  usageFailure,
  track,
  UNRECORDED,
  type CommandIo,
  type OpenReading,
  type ReadingCommand,
} from '../shared/command.js';
import { AccessRecords } from './record.js';
import { findSegments } from '../../integrity/storage/segments.js';

/** How long to wait for other commands, in milliseconds. Each of them holds the log for a moment. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = [30, 400] as const;

/** A log that commands write, one record at a time. */
interface SealedPlace {
  readonly path: string;
  /** The key that signs it: a file that exists, or where one is made. */
  readonly key: string | { readonly generate: string };
  /** Default: the host and the name of the file, or what the log already has. */
  readonly origin?: string | undefined;
  /** Takes notices about the file. */
  readonly onNotice: (notice: FileNotice) => void;
}

/** The access log of one log. */
interface AccessLogPlace {
  /** The log that is read. */
  readonly log: string;
  readonly options: AccessLogOptions;
  /** Takes notices about the access log's file. */
  readonly onNotice: (notice: FileNotice) => void;
}

/** Writes a record to the access log of a log, as {@link writeSealed} does. */
function writeAccess({ log, options, onNotice }: AccessLogPlace, draft: DraftRecord): Promise<void> {
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

interface Entry {
  readonly place: AccessLogPlace;
  readonly records: AccessRecords;
}

/**
 * Records that logs are about to be read, where the command line or the configuration of a log asks for it. When this resolves,
 * the record is written, sealed and flushed to disk.
 *
 * @throws {CliFailure} with exit code 3 if the record cannot be written: then nothing may be read. With exit code 2 if the options
 * do not fit the logs.
 */
export async function beginReading(given: ReadingCommand): Promise<OpenReading> {
  const asked = given.options['access-log'] === true;
  const logs = (await readLogs(given.operands)).filter(({ configured }) => asked || configured !== undefined);
  requireSense(given, asked, logs);
  if (logs.length === 0) return UNRECORDED;
  const entries = logs.map((log) =>
    entryOf(
      given,
      log,
      logs.map((each) => each.log),
    ),
  );
  for (const { place, records } of entries) await written(place, () => writeAccess(place, records.begin()));
  let shown: number | undefined;
  let ended: Promise<void> | undefined;
  const end = async (exitCode: number | 'abandoned') => {
    for (const { place, records } of entries)
      await written(place, () => writeAccess(place, records.end({ exitCode, records: shown })));
  };
  return track({
    showed: (records) => (shown = records),
    end: (exitCode) => (ended ??= end(exitCode)),
  });
}

function entryOf(
  { command, options, io }: ReadingCommand,
  { log, configured = {} }: ReadLog,
  logs: readonly string[],
): Entry {
  const { purpose, 'access-log': _, ...others } = options;
  const place = { log, options: configured, onNotice: (notice: FileNotice) => tell(notice, io) };
  const access = { command, log, options: others, purpose, env: io.env, logs };
  return { place, records: new AccessRecords(access) };
}

function requireSense({ options, operands }: ReadingCommand, asked: boolean, logs: readonly ReadLog[]): void {
  const { purpose } = options;
  if (asked && (operands.length === 0 || operands.includes('-')))
    throw usageFailure('--access-log needs logs on disk: standard input has no folder for an access log');
  if (asked && operands.some(isTable))
    throw usageFailure('--access-log needs logs on disk: who reads a table is for the log of the database');
  if (asked && operands.some(isStored))
    throw usageFailure('--access-log needs logs on disk: who reads an archive is for the log of the storage');
  if (purpose?.trim() === '') throw usageFailure('--purpose is empty');
  if (purpose !== undefined && logs.length === 0 && !asked)
    throw usageFailure('--purpose is for an access log, and none is written', 'Add --access-log.');
  const strict = logs.find(({ configured }) => configured?.requirePurpose === true);
  if (strict !== undefined && purpose === undefined)
    throw usageFailure(`${strict.log}: reading this log needs a purpose`, 'Add --purpose TEXT.');
}

async function written(place: AccessLogPlace, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const reason = systemReason(error) ?? (error instanceof Error ? error.message : 'unknown reason');
    throw inputFailure(
      `${accessLayout(place.log).log}: cannot be written, so nothing was read: ${reason}`,
      error,
    );
  }
}

/** Reports notices about the access log's file, except a lock that a killed command left. */
function tell({ kind, path, detail }: FileNotice, { stderr }: CommandIo): void {
  if (kind === 'stale-lock') return;
  const what =
    kind === 'key-generated'
      ? `made a key for the access log; its verifier key is ${detail ?? ''}`
      : [kind, detail].filter(Boolean).join(', ');
  stderr.write(`${printable(path)}: ${printable(what)}\n`);
}

/** The name of a finished part of a log: the name of the log, and a number or a time. */
const PART = /^(.+?)(?:[.-]\d[\dTZ.:_-]*)(?:\.gz)?$/;

/** A log that a command is about to read, and the options of its access log, if it has any. */
export interface ReadLog {
  readonly log: string;
  readonly configured: AccessLogOptions | undefined;
}

/**
 * The logs behind the operands of a command, each once, by their real paths. A part of a log counts as the log. A path that does
 * not exist is left out: the command reports it.
 *
 * @throws {CliFailure} with exit code 3 when the configuration of an access log cannot be read.
 */
export async function readLogs(operands: readonly string[]): Promise<ReadLog[]> {
  const logs = new Map<string, ReadLog>();
  for (const operand of operands) {
    // A shell's `audit.jsonl*` also names files beside the log. An access log that is read with its log is recorded there.
    if (operand === '-' || /\.integrity$|\.access\.(?:json|key)$/.test(operand)) continue;
    if (operands.some((other) => operand === accessLayout(other).log)) continue;
    const log = await logBehind(operand);
    if (log !== undefined && !logs.has(log)) logs.set(log, { log, configured: configurationOf(log) });
  }
  return [...logs.values()];
}

async function logBehind(operand: string): Promise<string | undefined> {
  const path = await realpath(operand).catch(() => undefined);
  if (path !== undefined) {
    const whole = PART.exec(basename(path))?.[1];
    const log = whole === undefined ? path : join(dirname(path), whole);
    const isLog = [log, integrityLayout(log).folder, accessLayout(log).description].some((beside) =>
      existsSync(beside),
    );
    return isLog ? log : path;
  }
  // Between two files, or after its last part was finished, a log has only parts.
  const folder = await realpath(dirname(operand)).catch(() => undefined);
  if (folder === undefined) return undefined;
  const log = join(folder, basename(operand));
  const parts = await findSegments(log).catch(() => []);
  return parts.some(({ present }) => present) ? log : undefined;
}

function configurationOf(log: string): AccessLogOptions | undefined {
  try {
    return readAccessDescription(log);
  } catch (error) {
    throw inputFailure((error as Error).message, error);
  }
}
