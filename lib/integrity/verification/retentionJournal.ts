import { basename } from 'node:path';
import { IntegrityError } from '../../errors.js';
import { integrityLayout, readIfThere } from '../storage/files.js';
import { readLines, findSegments, readSegments, type Segment } from '../storage/segments.js';
import { parseCheckpoint, renamedVerifier } from '../tlog/checkpoint.js';
import { hashFromBase64 } from '../tlog/merkle.js';
import { parseVkey, type NoteVerifier } from '../tlog/note.js';
import type { VerifyReport } from './verdict.js';
import { verifyLog } from './verify.js';

/** Where a log keeps what was let go of it, and which legal holds there are: a sealed log of its own. */
export function journalPath(log: string): string {
  return `${log}.retention.jsonl`;
}

/** The name under which the journal of a log is sealed. The log's own key may seal it: under this name it is another key. */
export function journalOrigin(origin: string): string {
  return `${origin}/retention`;
}

/** One part of a log that is let go. */
export interface LetGo {
  readonly file: string;
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  /** The root of the log's tree at its end, in Base64. */
  readonly root: string;
  /** The SHA-256 of its content, in hexadecimal. */
  readonly content_sha256: string;
  /** The times of its first and last record. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Where it is archived, and until when it is locked there. */
  readonly archive?: string | undefined;
  readonly locked_until?: string | undefined;
}

/** One entry of the journal: what its record holds as `data`. */
export type JournalData = {
  /** Why, in the words of whoever did it. */
  readonly reason: string;
  /** The account and the machine. */
  readonly by: string;
} & (
  | { readonly action: 'let-go'; readonly segment: LetGo }
  | { readonly action: 'hold' | 'lift'; readonly hold: string }
);

/** An entry of the journal, with when it was made. */
export type JournalEntry = JournalData & {
  readonly time: string;
  /** Joins what was about to be done with what was done. */
  readonly operation: string;
  /** Whether it says that something is about to be done. */
  readonly isIntent: boolean;
};

/**
 * The entries of a log's journal; none where there is no journal.
 *
 * @throws {IntegrityError} when it is gone and its seal is there, or a line of it is no entry: nothing may be deleted on a guess.
 */
export async function readJournal(log: string): Promise<JournalEntry[]> {
  const path = journalPath(log);
  const segments = (await findSegments(path)).filter(({ present }) => present);
  if (segments.length === 0) {
    if ((await readIfThere(integrityLayout(path).checkpoint)) === undefined) return [];
    throw new IntegrityError(`${path} is gone, and its seal is there: which holds there are cannot be told`);
  }
  const entries: JournalEntry[] = [];
  for await (const batch of readLines(readSegments(segments)))
    for (const { bytes, index, torn } of batch)
      if (!torn) entries.push(entryOf(bytes, `${path}, line ${index + 1}`));
  return entries;
}

function entryOf(line: Buffer, place: string): JournalEntry {
  try {
    const record = JSON.parse(line.toString('utf8')) as {
      time: string;
      operation_id: string;
      stage?: string;
      data: JournalData;
    };
    const { action } = record.data;
    if (
      action === 'let-go'
        ? Number.isSafeInteger(record.data.segment.first)
        : typeof record.data.hold === 'string'
    )
      return {
        ...record.data,
        time: record.time,
        operation: record.operation_id,
        isIntent: record.stage !== undefined,
      };
  } catch {
    // The error below says it.
  }
  throw new IntegrityError(`${place} is no entry of a journal of retention`);
}

/** The legal holds that are on record and were not lifted. */
export function holdsIn(entries: readonly JournalEntry[]): JournalEntry[] {
  const open = new Map<string, JournalEntry>();
  for (const entry of entries) {
    if (entry.action === 'hold') open.set(entry.hold, entry);
    if (entry.action === 'lift') open.delete(entry.hold);
  }
  return [...open.values()];
}

/** What was begun and not finished: the process ended in between. */
export function unfinishedIn(entries: readonly JournalEntry[]): JournalEntry[] {
  const open = new Map<string, JournalEntry>();
  for (const entry of entries)
    if (entry.isIntent) open.set(entry.operation, entry);
    else open.delete(entry.operation);
  return [...open.values()];
}

/** A log's segments, with the word of its journal on those that are missing. */
export interface Explained {
  readonly segments: readonly Segment[];
  readonly warnings: readonly string[];
}

/**
 * Says of missing segments why they are missing, where a journal that a trusted key sealed has it.
 *
 * @param verifiers The keys that are trusted for the log. The journal may be sealed by one of them, or by a key of its own.
 * @param trustBeside Whether the key beside the journal counts, as the one beside the log does.
 */
export async function explainMissing(
  log: string,
  segments: readonly Segment[],
  verifiers: readonly NoteVerifier[],
  trustBeside: boolean,
): Promise<Explained> {
  const isMissing = ({ present, range, because }: Segment) =>
    !present && range !== undefined && because === undefined;
  if (!segments.some(isMissing)) return { segments, warnings: [] };
  const path = journalPath(log);
  const name = basename(path);
  const fault = (words: string) => ({
    segments,
    warnings: [`${name} ${words}, so that it explains no missing segment`],
  });
  let entries: JournalEntry[];
  try {
    entries = await readJournal(log);
    if (entries.length === 0) return { segments, warnings: [] };
    const { status } = await journalReport(path, verifiers, trustBeside);
    if (status === 'untrusted')
      return fault('is sealed by a key that is not trusted here (give its verifier key too, with --vkey)');
    if (status !== 'intact' && status !== 'unconfirmed')
      return fault('is not what was sealed (run verify on it)');
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return fault(`cannot be relied on: ${error.message}`);
  }
  const gone = new Map(
    entries.flatMap((entry) => (entry.action === 'let-go' ? [[entry.segment.first, entry]] : [])),
  );
  return {
    segments: joined(
      segments.map((segment) => (isMissing(segment) ? explained(segment, gone, name) : segment)),
    ),
    warnings: [],
  };
}

function explained(segment: Segment, gone: ReadonlyMap<number, JournalEntry>, name: string): Segment {
  const entry = gone.get(segment.range?.first ?? -1);
  if (entry?.action !== 'let-go' || entry.segment.count !== segment.range?.count) return segment;
  const root = hashFromBase64(entry.segment.root);
  const { archive } = entry.segment;
  const where = archive === undefined ? '' : `, and are archived at ${archive}`;
  const because = `were let go on ${entry.time.slice(0, 10)} by ${entry.by} (${entry.reason})${where}, as ${name} has it`;
  return { ...segment, because, ...(root !== undefined && { root }) };
}

/** Segments that follow each other and went for the same reason, as one. */
function joined(segments: readonly Segment[]): Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const before = result.at(-1);
    const same = segment.because !== undefined && before?.because === segment.because;
    if (same && before?.range !== undefined && segment.range !== undefined)
      result[result.length - 1] = {
        ...segment,
        range: { first: before.range.first, count: before.range.count + segment.range.count },
      };
    else result.push(segment);
  }
  return result;
}

async function journalReport(
  path: string,
  verifiers: readonly NoteVerifier[],
  trustBeside: boolean,
): Promise<Pick<VerifyReport, 'status'>> {
  const layout = integrityLayout(path);
  const note = await readIfThere(layout.checkpoint);
  if (note === undefined) return { status: 'unsealed' };
  const { origin } = parseCheckpoint(note);
  const own = verifiers
    .filter(({ name }) => journalOrigin(name) === origin)
    .map((key) => renamedVerifier(key, origin));
  const beside = trustBeside
    ? ((await readIfThere(layout.vkey)) ?? '').split('\n').filter(Boolean).map(parseVkey)
    : [];
  return verifyLog(readSegments(await findSegments(path)), {
    verifiers: [...own, ...verifiers, ...beside],
    checkpoint: { note, name: layout.checkpoint },
  });
}
