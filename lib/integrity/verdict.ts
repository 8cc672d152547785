import { type Problem } from './findings.js';

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
  'intact' | 'unconfirmed' | 'partly-sealed' | 'unwitnessed' | 'unsealed' | 'untrusted' | 'broken';

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
