import { type ProblemKind } from './findings.js';
import { sessionsRow } from './sessions/sessionWords.js';
import { type Sessions } from './sessions/sessionCheck.js';
import { type Check, type Verdict } from './verdict.js';

/** What the table of a verification is made of. */
export interface TableParts extends Verdict {
  /** Where the keys are from. */
  readonly trust: 'given' | 'beside';
  /** How many of the checkpoints were kept elsewhere. */
  readonly elsewhere: number;
  /** What the newest checkpoint that the log is long enough for is called. */
  readonly checkpoint: string | undefined;
  /** Records that were taken by their stored hashes. */
  readonly byHash: readonly { readonly first: number; readonly count: number }[];
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
const LINES: readonly ProblemKind[] = ['foreign', 'order', 'torn'];

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
  const { sealed, checkpoint } = parts;
  const what = sealed > 0 ? `records 0 to ${sealed - 1}` : 'the records';
  const by =
    checkpoint === undefined ? 'no checkpoint to hold them against' : `${checkpoint} of ${sealed} records`;
  if (has(parts, CONTENT)) return { what, by, result: 'fails' };
  return { what, by, result: checkpoint === undefined ? 'not checked' : 'holds' };
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
  const rows: Check[] = byHash.map(({ first, count }) => ({
    what: `the content of records ${first} to ${first + count - 1}`,
    by: 'their stored hashes alone are here',
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
