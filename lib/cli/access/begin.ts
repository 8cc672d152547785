import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileNotice } from '../../sinks/file/notice.js';
import { accessLayout, readAccessDescription, type AccessLogOptions } from '../../sinks/file/accessLog.js';
import { isStored } from '../../archive/objectStore.js';
import { isTable } from '../input/clickhouse.js';
import { printable } from '../../internal/text.js';
import type { CommandIo } from '../shared/command.js';
import { inputFailure, systemReason, usageFailure } from '../shared/failure.js';
import { track, UNRECORDED, type OpenReading, type ReadingCommand } from '../shared/reading.js';
import { AccessRecords } from './record.js';
import { writeAccess, type AccessLogPlace } from './write.js';
import { integrityLayout } from '../../integrity/storage/files.js';
import { findSegments } from '../../integrity/storage/segments.js';

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
