import { encodeLine } from '../../codecs/json.js';
import { KeyFolder } from '../../erasure/keyFolder.js';
import { masterKeysOf } from '../../erasure/keyFiles.js';
import { openRecord } from '../../erasure/personal.js';
import type { LogChunk } from '../../integrity/storage/segments.js';
import type { AuditRecord } from '../../schema/record.js';
import type { LogInput } from './logs.js';
import type { Problems } from './problems.js';

/** The options with which commands read values that are encrypted for persons. */
export const KEY_OPTIONS = {
  keys: {
    type: 'string',
    value: 'DIR',
    help: 'the folder of keys of persons: show what is encrypted, as far as it is not erased',
  },
  'master-key': {
    type: 'string',
    multiple: true,
    value: 'FILE',
    help: 'the key that the files of that folder are encrypted with',
  },
} as const;

/** The values of {@link KEY_OPTIONS}. */
export interface KeyOptions {
  readonly keys?: string;
  readonly 'master-key'?: readonly string[];
}

const LF = 0x0a;
/** How the field begins in a line. In any other place, quotation marks are escaped. */
const PERSONAL = Buffer.from('"personal":[');

/** Opens the folder of keys that a command line names. @throws ConfigError when it cannot be used. */
export function keyFolderOf({ keys, 'master-key': master }: KeyOptions): KeyFolder | undefined {
  if (keys === undefined) return undefined;
  const masterKeys = master === undefined ? [] : masterKeysOf('--master-key', master);
  return new KeyFolder(keys, { masterKeys });
}

/**
 * The logs with their encrypted values put back, if the command line names the keys: as if they had been logged so, for all that
 * reads them. Lines that hold none are passed on as they are.
 */
export function withKeys(
  logs: readonly LogInput[],
  options: KeyOptions,
  problems: Problems,
): readonly LogInput[] {
  const keys = keyFolderOf(options);
  return keys === undefined ? logs : logs.map((log) => unlocked(log, keys, problems));
}

function unlocked(log: LogInput, keys: KeyFolder, problems: Problems): LogInput {
  const { narrowed } = log;
  return {
    ...log,
    isDecrypted: true,
    read: (path) => openLines(log.read(path), keys, problems),
    // What a database would search for may be encrypted.
    ...(narrowed && {
      narrowed: (wanted) => unlocked(narrowed.call(log, { ...wanted, needles: [] }), keys, problems),
    }),
  };
}

/** Cuts chunks into lines, and puts each changed line into a chunk of its own, so that places in the file stay right. */
async function* openLines(
  chunks: AsyncIterable<LogChunk>,
  keys: KeyFolder,
  problems: Problems,
): AsyncGenerator<LogChunk, void, undefined> {
  let carried: Buffer = Buffer.alloc(0);
  let carriedFrom = 0;
  let line = 0;
  let last: LogChunk | undefined;
  for await (const chunk of chunks) {
    last = chunk;
    const { segment } = chunk;
    const offset = carried.length > 0 ? carriedFrom : chunk.offset;
    const data = carried.length > 0 ? Buffer.concat([carried, chunk.data]) : chunk.data;
    let start = 0;
    let plainFrom = 0;
    for (let end = data.indexOf(LF); end !== -1; end = data.indexOf(LF, start)) {
      line++;
      const text = data.subarray(start, end);
      const opened = openLine(text, keys, (reason) =>
        problems.report({ file: segment, line, offset: offset + start }, reason),
      );
      if (opened !== undefined) {
        if (start > plainFrom)
          yield { data: data.subarray(plainFrom, start), segment, offset: offset + plainFrom };
        yield { data: opened, segment, offset: offset + start };
        plainFrom = end + 1;
      }
      start = end + 1;
    }
    if (start > plainFrom)
      yield { data: data.subarray(plainFrom, start), segment, offset: offset + plainFrom };
    carried = Buffer.from(data.subarray(start));
    carriedFrom = offset + start;
  }
  if (carried.length > 0 && last !== undefined)
    yield { data: carried, segment: last.segment, offset: carriedFrom };
}

/** The line with its values put back; nothing where there is nothing to put back, or where it is no record. */
function openLine(line: Buffer, keys: KeyFolder, report: (reason: string) => void): Buffer | undefined {
  if (!line.includes(PERSONAL)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    // Whoever decodes the line says what is wrong with it.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { record, faults } = openRecord(value as Record<string, unknown>, keys);
  for (const fault of faults) report(fault);
  if (record === value) return undefined;
  return Buffer.from(`${encodeLine(record as unknown as AuditRecord)}\n`);
}
