import { constants, createWriteStream, statSync } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AuditError } from '../../errors.js';
import {
  withoutMark,
  findSegments,
  findSegmentsByName,
  readSegments,
  type LogChunk,
  type Segment,
} from '../../integrity/storage/segments.js';
import { integrityLayout } from '../../integrity/storage/files.js';
import type { VerifyReport } from '../../integrity/verification/verdict.js';
import type { VerifyFileOptions } from '../../integrity/verification/verifyFile.js';
import { CliFailure, systemReason, usageFailure, type CommandIo } from '../shared/command.js';
import { isTerminal } from '../term/terminal.js';
import { isStored } from '../../archive/objectStore.js';
import { isTable, tableLog, type Wanted } from './clickhouse.js';
import type { Problems } from './problems.js';

/** One log: its files, oldest first, or standard input. */
export interface LogInput {
  /** The path or the address as the command line gives it; `<stdin>` for standard input. */
  readonly name: string;
  /** The files that can be read, with their sizes on disk. Empty for standard input, and for a table of a database. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** The bytes of one of its files (or of standard input). */
  read(path: string): AsyncIterable<LogChunk>;
  /** Whether `read` gives other bytes than the files hold, with encrypted values put back. */
  readonly isDecrypted?: true;
  /** The log without records that are surely not wanted: for one that can leave them out before they are sent. */
  narrowed?(wanted: Wanted): LogInput;
  /** Fetches what lies beside a log that is not on disk, and gives the path that the log would have beside it. */
  evidence?(): Promise<string>;
  /** Verifies a log that is not on disk. */
  verify?(options: VerifyFileOptions): Promise<VerifyReport>;
}

/** How standard input is named in messages and output. */
const STDIN_NAME = '<stdin>';

/**
 * What lies beside a log and holds no records, and what a shell's `audit.jsonl*` names too: the folder of proofs, locks, the
 * description of the access log, keys, and what an interruption left behind. The journals of readers and of retention are logs.
 */
const COMPANION =
  /\.(?:integrity|lock|new|gz\.tmp|access\.(?:json|key)|(?:retention|commitment)\.key)$|\.(?:torn|set-aside)-[^/.]*(?:\.\d+Z)?$/;

/**
 * Finds the logs that a command line names. A log that is missing or cannot be read is reported, and the others are returned.
 *
 * @throws {CliFailure} when no log is named and standard input is a terminal.
 */
export async function openLogs(
  operands: readonly string[],
  io: CommandIo,
  problems: Problems,
): Promise<LogInput[]> {
  if (operands.length === 0) {
    if (isTerminal(io.stdin))
      throw usageFailure('no log given', "Name a log file, or '-' for standard input.");
    return [stdinLog(io.stdin)];
  }
  const seen = new Set<string>();
  const logs: LogInput[] = [];
  for (const operand of operands) {
    if (operand === '-') logs.push(stdinLog(io.stdin));
    else if (isTable(operand)) logs.push(tableLog(operand, io));
    else if (isStored(operand)) logs.push(...(await openArchive(operand, io, problems)));
    else if (operands.length === 1 || !COMPANION.test(operand)) {
      const log = await openLog(operand, problems, seen);
      if (log !== undefined) logs.push(log);
    }
  }
  return logs;
}

/** The storage's own words say why an archive cannot be read; the other logs are read all the same. */
async function openArchive(operand: string, io: CommandIo, problems: Problems): Promise<LogInput[]> {
  const { archivedLog } = await import('./archived.js');
  try {
    return [await archivedLog(operand, io)];
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'MCP_LOG_ERR_ARCHIVE') throw error;
    // The message begins with the address, as the report of a problem does.
    problems.report({ file: operand }, error.message.replace(`${operand}: `, ''));
    return [];
  }
}

async function openLog(path: string, problems: Problems, seen: Set<string>): Promise<LogInput | undefined> {
  const files: { path: string; bytes: number }[] = [];
  for (const segment of await segmentsOf(path, problems)) {
    const bytes = await readableSize(segment.path, problems);
    if (bytes === undefined) continue;
    // A shell's `audit.jsonl*` names each rotated file a second time.
    const real = await realpath(segment.path);
    if (seen.has(real)) continue;
    seen.add(real);
    files.push({ path: segment.path, bytes });
  }
  if (files.length === 0) return undefined;
  return {
    name: path,
    files,
    read: (file) => readSegments([{ path: file, present: true }]),
  };
}

/** Where the list of segments is damaged, the files are found by their names instead. */
function segmentsOf(path: string, problems: Problems): Promise<Segment[]> {
  return findSegments(path).catch((error: unknown) => {
    if (!(error instanceof AuditError)) throw error;
    problems.report({ file: integrityLayout(path).segments }, error.message);
    return findSegmentsByName(path);
  });
}

/** The size of a file that can be read. Any other is reported, with the reason. */
async function readableSize(path: string, problems: Problems): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) problems.report({ file: path }, 'is a directory, not a log');
    else {
      await access(path, constants.R_OK);
      return stats.size;
    }
  } catch (error) {
    problems.report({ file: path }, systemReason(error) ?? 'cannot be read');
  }
  return undefined;
}

/** A log that is this one file. */
export function logOfFile(path: string): LogInput {
  return {
    name: path,
    files: [{ path, bytes: statSync(path).size }],
    read: (file) => readSegments([{ path: file, present: true }]),
  };
}

/** Whether a log cannot be read a second time. */
export function isReadOnce({ name, files }: LogInput): boolean {
  return name === STDIN_NAME && files.length === 0;
}

function stdinLog(stdin: Readable): LogInput {
  return { name: STDIN_NAME, files: [], read: () => withoutMark(readStream(stdin)) };
}

/** Standard input. Its first two bytes show whether it is compressed (RFC 1952, 2.3.1). */
async function* readStream(stream: Readable): AsyncGenerator<LogChunk, void, undefined> {
  let content: AsyncIterable<Buffer> | undefined;
  const iterator = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  content = prepend(head, iterator);
  if (head[0] === 0x1f && head[1] === 0x8b) content = gunzip(content);
  let offset = 0;
  for await (const data of content) {
    if (data.length > 0) yield { data, segment: STDIN_NAME, offset };
    offset += data.length;
  }
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

function gunzip(content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const unzipped = createGunzip({ chunkSize: 1 << 18 });
  const feed = PassThrough.from(content);
  feed.on('error', (error: Error) => unzipped.destroy(error));
  return feed.pipe(unzipped);
}

/** The reason why reading stopped, in words. Rethrows an error that is not a fault of the input. */
export function readFault(error: unknown): string {
  if (error instanceof AuditError || error instanceof CliFailure) return error.message;
  const reason = systemReason(error);
  if (reason !== undefined) return reason;
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
    return `damaged gzip data: ${error.message}`;
  throw error;
}

/** Copies what is in no file into one, for a reader that needs files. */
export async function spoolLogs(logs: readonly LogInput[], folder: string): Promise<string> {
  const path = join(folder, 'stdin.jsonl');
  async function* content() {
    for (const { files, name, read } of logs)
      for (const path of files.length === 0 ? [name] : files.map((file) => file.path))
        for await (const { data } of read(path)) yield Buffer.from(data);
  }
  await pipeline(content, createWriteStream(path, { mode: 0o600 }));
  return path;
}
