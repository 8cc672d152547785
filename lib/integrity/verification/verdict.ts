import { type Sessions } from './sessions.js';

/** What kind of thing is wrong with a log. Programs may branch on these. */
export type ProblemKind =
  /** A checkpoint is malformed, edited, of another log, or signed by no trusted key. */
  | 'checkpoint'
  /** Two checkpoints of one size have different roots. */
  | 'fork'
  /** The log is shorter than a checkpoint says: cut off, or rolled back. */
  | 'truncated'
  /** A record's bytes are not those that were sealed. */
  | 'edited'
  /** Records that were sealed are not there. */
  | 'deleted'
  /** Lines are there that were not sealed at their place. */
  | 'inserted'
  /** A line stands there twice. */
  | 'duplicated'
  /** Records are there in another order than they were sealed in. */
  | 'reordered'
  /** The log is not the one that was sealed; what was done to it cannot be told. */
  | 'changed'
  /** A whole segment is not there. */
  | 'segment'
  /** Lines after the last checkpoint: nothing vouches for them yet. */
  | 'unsealed'
  /** Records that not enough witnesses of the policy have cosigned. */
  | 'unwitnessed'
  /** A timestamp is missing, does not verify, or is of no checkpoint of the log. */
  | 'timestamp'
  /** A line was cut short. */
  | 'torn'
  /** A line is no audit record. */
  | 'foreign'
  /** `seq` does not rise. */
  | 'order'
  /** A tool definition is not the one that its content address names. */
  | 'definition';

/** One thing that is wrong. */
export interface Problem {
  /** What is wrong. */
  readonly kind: ProblemKind;
  /** In words, for people; complete without the other fields. */
  readonly message: string;
  /** The first index at fault. */
  readonly index?: number;
  /** The path of the segment, and the byte offset within it (within its content, if it is compressed). */
  readonly segment?: string;
  /** Where that line starts within its segment, in bytes. */
  readonly offset?: number;
}

/**
 * What a verification comes to, in one word that every command uses:
 * - `intact`: everything is as it was sealed, by a key that the reader brought;
 * - `unconfirmed`: everything agrees with the key that lies beside the log, which vouches for nothing by itself;
 * - `partly-sealed`: what a checkpoint covers is as it was sealed; lines follow that nothing vouches for;
 * - `unwitnessed`: everything is as it was sealed, and not all of it was cosigned by enough witnesses of the given policy;
 * - `unsealed`: there is no checkpoint, so nothing can show whether the log was changed;
 * - `untrusted`: there are checkpoints, and no key that is trusted here signed any of them;
 * - `broken`: the log contradicts what was sealed.
 */
export type VerdictStatus =
  | 'intact'
  | 'unconfirmed'
  | 'partly-sealed'
  | 'unwitnessed'
  | 'unsealed'
  | 'untrusted'
  | 'broken';

/** One line of the table at the end of a verification: what was looked at, by which evidence, and how it came out. */
export interface Check {
  /** What was looked at, or could have been. */
  readonly what: string;
  /** The evidence that it was held against; for what was not checked, what is lacking. */
  readonly by: string;
  /** How it came out. */
  readonly result: 'holds' | 'fails' | 'not checked';
}

/** What the words of a verdict are made of: {@link VerifyReport} has it all. */
export interface Verdict {
  /** The verdict in one word. */
  readonly status: VerdictStatus;
  /** The identity of the log, as its checkpoint has it. */
  readonly origin?: string;
  /** Records in the log. */
  readonly size: number;
  /** Of them, those that a checkpoint covers. */
  readonly sealed: number;
  /** What is wrong. */
  readonly problems: readonly Problem[];
}

/** What a verification found. */
export interface VerifyReport extends Verdict {
  /** Whether all holds. */
  readonly ok: boolean;
  /** The verdict in one word. */
  readonly status: VerdictStatus;
  /** The identity of the log, as its checkpoint has it. */
  readonly origin?: string;
  /** Records in the log. */
  readonly size: number;
  /** Of them, those that a checkpoint covers. */
  readonly sealed: number;
  /** The root of all records, in Base64. */
  readonly root: string;
  /** What is wrong: first the checkpoints, then by index. */
  readonly problems: readonly Problem[];
  /** What was checked, by which evidence, and what was not. */
  readonly checks: readonly Check[];
  /** Which sessions were closed complete; absent where lines need not be records. */
  readonly sessions?: Sessions;
  /** What is worth knowing and proves nothing. */
  readonly warnings: readonly string[];
}

/** The verdicts as a heading has them, the same in every command and on the page. */
export const VERDICT_TITLES: Readonly<Record<VerdictStatus, string>> = {
  intact: 'Intact',
  unconfirmed: 'Not confirmed',
  'partly-sealed': 'Partly sealed',
  unwitnessed: 'Not witnessed',
  unsealed: 'Not sealed',
  untrusted: 'Not trusted',
  broken: 'Broken',
};

/** Whether a verdict says that the log cannot be relied on: commands that were asked for something else end with 1 then. */
export function isBad(status: VerdictStatus): boolean {
  return status === 'broken' || status === 'untrusted';
}

/** The verdict in one sentence, the same in every command and on the page. */
export function verdictSentence({ status, origin, size, sealed, problems }: Verdict): string {
  const open = size - sealed;
  const rest = open === 1 ? 'the last line is' : `the last ${open} lines are`;
  switch (status) {
    case 'intact':
      return `all ${records(sealed)} are as ${origin} sealed them${open > 0 ? `, but for the end: ${rest} not sealed yet` : ''}`;
    case 'unconfirmed':
      return `all ${records(sealed)} agree with the key that lies beside the log, which whoever can change the log can change: bring your own key to confirm it${open > 0 ? ` (${rest} not sealed yet)` : ''}`;
    case 'partly-sealed':
      return `the first ${records(sealed)} are as ${origin} sealed them; ${rest} not sealed, and nothing vouches for ${open === 1 ? 'it' : 'them'}`;
    case 'unwitnessed':
      return `the first ${records(sealed)} are as ${origin} sealed them; ${problems.find(({ kind }) => kind === 'unwitnessed')?.message ?? 'not enough witnesses cosigned them'}`;
    case 'unsealed':
      return `there is no checkpoint for its ${records(size)}: nothing can show whether they were changed`;
    case 'untrusted':
      return 'no key that is trusted here signed its checkpoints: it is the wrong key, or another log in its place';
    case 'broken':
      return `it does not agree with its checkpoint: ${problems[0]?.message ?? 'what it holds is not what was sealed'}`;
  }
}

function records(count: number): string {
  return `${count} record${count === 1 ? '' : 's'}`;
}

/** A checkpoint: what it is called, and how many records it covers. */
interface Covering {
  readonly name: string;
  readonly size: number;
}

/** What the table of a verification is made of. */
export interface TableParts extends Verdict {
  /** Where the keys are from. */
  readonly trust: 'given' | 'beside';
  /** How many of the checkpoints were kept elsewhere. */
  readonly elsewhere: number;
  /** The newest checkpoint. */
  readonly checkpoint: Covering | undefined;
  /** The newest checkpoint that the log is long enough for. */
  readonly reached: Covering | undefined;
  /** Records that were taken by their stored hashes. */
  readonly byHash: readonly { readonly first: number; readonly count: number; readonly because?: string }[];
  /** Whether lines had to be records. */
  readonly records: boolean;
  /** Which sessions were closed complete, where that was looked at. */
  readonly sessions?: Sessions;
  /** What witnesses and time-stamping authorities were asked for, and what they say. */
  readonly vouchers: readonly Check[];
}

/** The kinds of problems that each row of the table tells of. */
const CONTENT: readonly ProblemKind[] = [
  'edited',
  'deleted',
  'inserted',
  'duplicated',
  'reordered',
  'changed',
  'segment',
];
const CUT: readonly ProblemKind[] = ['truncated', 'fork'];
const LINES: readonly ProblemKind[] = ['foreign', 'order', 'torn', 'definition'];

/** What was checked, by which evidence, and what was not: a row each. */
export function tableOf(parts: TableParts): Check[] {
  return [
    signatureRow(parts),
    contentRow(parts),
    rollbackRow(parts),
    ...parts.vouchers,
    linesRow(parts),
    ...openRows(parts),
    sessionsRow(parts.sessions),
  ];
}

function has({ problems }: TableParts, kinds: readonly ProblemKind[]): boolean {
  return problems.some(({ kind }) => kinds.includes(kind));
}

function signatureRow(parts: TableParts): Check {
  const what = 'signature of the checkpoint';
  if (parts.status === 'unsealed') return { what, by: 'there is no checkpoint', result: 'not checked' };
  const by =
    parts.trust === 'given'
      ? 'the key that was given'
      : 'the key beside the log, which confirms nothing by itself';
  return { what, by, result: has(parts, ['checkpoint']) ? 'fails' : 'holds' };
}

function contentRow(parts: TableParts): Check {
  const { sealed, checkpoint, reached } = parts;
  const fails = has(parts, CONTENT);
  // Only a checkpoint that the log reaches can say that the records before it are the sealed ones.
  const named = fails ? checkpoint : (reached ?? checkpoint);
  const count = fails ? sealed : (reached?.size ?? sealed);
  const what = count > 0 ? `records 0 to ${count - 1}` : 'the records';
  const by =
    named === undefined ? 'no checkpoint to hold them against' : `${named.name} of ${named.size} records`;
  if (fails) return { what, by, result: 'fails' };
  return { what, by, result: reached === undefined ? 'not checked' : 'holds' };
}

function rollbackRow(parts: TableParts): Check {
  const { elsewhere } = parts;
  const what = 'nothing cut off, nothing rolled back';
  const by =
    elsewhere > 0
      ? `${elsewhere} checkpoint${elsewhere === 1 ? '' : 's'} kept elsewhere`
      : 'no checkpoint that was kept elsewhere (--against)';
  if (has(parts, CUT)) return { what, by, result: 'fails' };
  return { what, by, result: elsewhere > 0 ? 'holds' : 'not checked' };
}

function linesRow(parts: TableParts): Check {
  const what = 'every line is a record, in the order of seq';
  if (!parts.records) return { what, by: 'not asked for (--any-lines)', result: 'not checked' };
  return { what, by: 'the lines themselves', result: has(parts, LINES) ? 'fails' : 'holds' };
}

/** What no checkpoint covers, and what is here by its hash alone. */
function openRows({ size, sealed, byHash }: TableParts): Check[] {
  const rows: Check[] = byHash.map(({ first, count, because }) => ({
    what: `the content of records ${first} to ${first + count - 1}`,
    by: `${because === undefined ? '' : `they ${because}: `}their stored hashes alone are here`,
    result: 'not checked',
  }));
  if (size > sealed)
    rows.push({
      what: size - sealed === 1 ? `line ${sealed}` : `lines ${sealed} to ${size - 1}`,
      by: 'no checkpoint covers them',
      result: 'not checked',
    });
  return rows;
}

/** The row of the table: whether every request that went over the wire is on record, as far as the log can show it. */
function sessionsRow(sessions: Sessions | undefined): Check {
  const what = 'that every operation was recorded';
  const { complete = 0, open = 0, different = 0, uncounted = 0 } = sessions ?? {};
  if (complete + different + open + uncounted === 0 || complete + different === 0)
    return { what, by: openWords(open) ?? 'nothing in a log can show it', result: 'not checked' };
  const counts = [
    `${sessionsOf(complete)} closed complete`,
    ...(different > 0 ? [`${different} with a difference`] : []),
    ...(open > 0 ? [`${open} not closed`] : []),
    ...(uncounted > 0 ? [`${uncounted} closed without a count`] : []),
  ];
  const isWhole = open + uncounted === 0;
  const result = different > 0 ? 'fails' : isWhole ? 'holds' : 'not checked';
  return { what, by: `the records that close sessions: ${counts.join(', ')}`, result };
}

/** What is worth knowing of sessions that differ. */
export function sessionWarnings(sessions: Sessions | undefined): string[] {
  const { differences = [], different = 0 } = sessions ?? {};
  const warnings = differences.map(
    ({ session, difference }) =>
      `session ${session}: ${difference}: never recorded, lost before it was written, or filtered`,
  );
  if (different > differences.length) warnings.push(`${different} such sessions in all`);
  return warnings;
}

function openWords(open: number): string | undefined {
  return open === 0 ? undefined : `no session was closed with a count; ${sessionsOf(open)} not closed`;
}

function sessionsOf(count: number): string {
  return count === 1 ? '1 session' : `${count} sessions`;
}
