import { existsSync } from 'node:fs';
import { isStored } from '../../archive/objectStore.js';
import { integrityLayout } from '../../integrity/storage/files.js';
import { printable } from '../../internal/text.js';
import type { AuditRecord } from '../../schema/record.js';
import { gapToldBy } from '../../sinks/sink.js';
import type { LogInput } from '../input/logs.js';
import type { LinePlace, OrderVisitor } from '../input/scanner.js';
import { SequenceCheck, type Moment, type SequenceFinding } from '../input/sequence.js';
import { titleOf, type Judgement } from '../integrity/judgement.js';
import { ExitCode, type CommandIo } from '../shared/command.js';
import { palette } from '../term/terminal.js';
import { count, plural } from '../term/units.js';

/** The times between which losses are asked for: from `since` on, and before `until`. */
export interface Window {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Whether something that lay between two times may have been within a window. */
function overlaps({ since, until }: Window, first: string, last: string): boolean {
  return (until === undefined || first < until) && (since === undefined || last >= since);
}

/** What is known of the losses of one log. */
interface Losses {
  readonly order: SequenceCheck;
  /** The first record of the log, and the latest time of one. */
  first?: { readonly seq: number; readonly time: string };
  latest: string;
  /** Whether the last record says that the process ended in good order. */
  isStopped: boolean;
  /** Records within the window. */
  records: number;
  holes: number;
  /** Records missing in holes which no gap record tells of. */
  inHoles: number;
  gaps: number;
  /** Records missing by the word of gap records. */
  inGaps: number;
  unknown: number;
  disorder: number;
}

/**
 * Answers what was lost: says on stderr where records are missing, and at the end, for each log, in one sentence whether anything was
 * lost, and how far that is certain.
 */
export class LossReport {
  readonly #io: CommandIo;
  readonly #json: boolean;
  readonly #logs: readonly LogInput[];
  readonly #window: Window;
  readonly #losses = new Map<string, Losses>();
  readonly #logOf = new Map<string, string>();
  /** A hole, until the record after it has shown whether it tells of it. */
  #pending:
    | { readonly finding: SequenceFinding; readonly place: LinePlace; readonly isWithin: boolean }
    | undefined;

  constructor(io: CommandIo, json: boolean, logs: readonly LogInput[], window: Window) {
    this.#io = io;
    this.#json = json;
    this.#logs = logs;
    this.#window = window;
    for (const { name, files } of logs) for (const { path } of files) this.#logOf.set(path, name);
  }

  /** Takes every record of the logs, whether or not it tells of a loss. */
  readonly see: OrderVisitor = (seq, counter, place, moment, record) => {
    this.#settle();
    const losses = this.#of(place);
    // Read once: where the record is not decoded, each look decodes it from the line.
    const { time } = moment;
    losses.first ??= { seq, time };
    if (time > losses.latest) losses.latest = time;
    losses.isStopped = false;
    if (overlaps(this.#window, time, time)) losses.records++;
    const finding = losses.order.see(seq, counter, time);
    if (finding !== undefined)
      this.#pending = { finding, place: { ...place }, isWithin: this.#isWithin(finding, moment) };
    if (record !== undefined) this.#take(record, losses);
  };

  #take(record: AuditRecord, losses: Losses): void {
    if (record.resource === 'audit/stop') losses.isStopped = true;
    if (!tellsOfLoss(record)) return;
    const isWithin = isLossWithin(record, this.#window);
    if (isWithin && record.error?.type === 'unknown_outcome') losses.unknown++;
    if (record.resource !== 'audit/gap') return;
    const lost = gapToldBy(record)?.count ?? 0;
    if (isWithin) {
      losses.gaps++;
      losses.inGaps += lost;
    }
    // A gap record has the number of the last record that it stands for: those before it leave a hole.
    this.#settle(lost - 1, isWithin);
  }

  /** The exit code: 1 where something is missing. */
  get exitCode(): number {
    this.#settle();
    const all = [...this.#losses.values()];
    return all.some((losses) => isAny(losses)) ? ExitCode.finding : ExitCode.ok;
  }

  /** Says for each log, in one sentence, what was lost. */
  conclude(judgements: readonly Judgement[]): void {
    this.#settle();
    for (const log of this.#logs) {
      const losses = this.#losses.get(log.name);
      if (losses === undefined) continue;
      const answer = answerOf(losses, this.#window, sealOf(log, judgements));
      const { stderr, env } = this.#io;
      stderr.write(
        this.#json
          ? `${JSON.stringify({ log: log.name, ...answer })}\n`
          : `${palette(stderr, env).bold(`${printable(log.name)}:`)} ${answer.sentence}\n`,
      );
    }
  }

  #of({ file }: LinePlace): Losses {
    const log = this.#logOf.get(file) ?? file;
    let losses = this.#losses.get(log);
    if (losses === undefined) {
      const none = { records: 0, holes: 0, inHoles: 0, gaps: 0, inGaps: 0, unknown: 0, disorder: 0 };
      losses = { order: new SequenceCheck(), latest: '', isStopped: false, ...none };
      this.#losses.set(log, losses);
    }
    return losses;
  }

  /** Whether the place may lie within the window: numbers are given when operations end, and times say when they began. */
  #isWithin({ after, before }: SequenceFinding, { time, durationMs }: Moment): boolean {
    const end = new Date(Date.parse(time) + Math.max(0, durationMs));
    const until = Number.isNaN(end.getTime()) ? time : end.toISOString();
    const first = after !== undefined && after < (before ?? time) ? after : time;
    return overlaps(this.#window, first, after !== undefined && after > until ? after : until);
  }

  /**
   * @param told How many of the records in the hole a gap record tells of.
   * @param isToldWithin Whether these were lost within the window.
   */
  #settle(told = 0, isToldWithin = false): void {
    if (this.#pending === undefined) return;
    const { finding, place, isWithin } = this.#pending;
    this.#pending = undefined;
    const rest = finding.kind === 'hole' ? finding.count - told : 1;
    if (rest > 0 ? !isWithin : !isToldWithin) return;
    const losses = this.#of(place);
    if (finding.kind === 'hole') {
      losses.holes++;
      losses.inHoles += Math.max(0, rest);
    } else losses.disorder++;
    const { stderr, env } = this.#io;
    if (this.#json) {
      stderr.write(`${JSON.stringify({ finding: finding.kind, ...finding, ...place })}\n`);
      return;
    }
    const where = palette(stderr, env).yellow(
      `${printable(place.file)}:${place.line} (byte ${place.offset}):`,
    );
    stderr.write(`${where} ${findingText(finding, told)}\n`);
  }
}

/** Texts of which a line must hold one for {@link LossReport} to need its record. */
export const LOSS_NEEDLES = ['gap"', '"unknown_outcome"', '"audit/stop"'];

/** Whether a record tells of a loss: a gap record, or an operation whose end is unknown. */
export function tellsOfLoss(record: AuditRecord): boolean {
  return record.resource === 'audit/gap' || record.error?.type === 'unknown_outcome';
}

/** Whether the loss that a record tells of may lie within a window. A gap record is written later, and says when the loss was. */
export function isLossWithin(record: AuditRecord, window: Window): boolean {
  const { firstTime = record.time, lastTime = record.time } = gapToldBy(record) ?? {};
  return overlaps(window, firstTime, lastTime);
}

function isAny({ holes, gaps, unknown, disorder }: Losses): boolean {
  return holes + gaps + unknown + disorder > 0;
}

/** The words for a finding about the order. */
function findingText({ kind, from, count: missing, after, before }: SequenceFinding, told: number): string {
  const when =
    after === undefined || before === undefined
      ? ''
      : `, between ${after < before ? after : before} and ${after < before ? before : after}`;
  if (kind === 'restart') return `counting starts anew: seq 0 again${when}`;
  if (kind === 'repeat') return `seq ${from} again, or out of order${when}`;
  const range = `seq ${from}${missing > 1 ? ` to ${from + missing - 1}` : ''}`;
  const known = told > 0 ? '; the gap record here tells of them' : '';
  return `${plural(missing, 'record')} missing before this one: ${range}${when}${known}`;
}

/** How far the lines themselves are vouched for. */
interface Seal {
  readonly status: Judgement['status'] | 'sealed';
  readonly words: string;
}

function sealOf(log: LogInput, judgements: readonly Judgement[]): Seal {
  const judged = judgements.find(({ name }) => name === log.name);
  if (judged !== undefined)
    return { status: judged.status, words: `the log was verified: ${titleOf(judged).toLowerCase()}` };
  if (log.files.length === 0)
    return { status: 'unchecked', words: 'it came over standard input, without its checkpoint' };
  if (isStored(log.name) || existsSync(integrityLayout(log.name).checkpoint))
    return { status: 'sealed', words: 'the log is sealed, and was not verified here (--verify does)' };
  return {
    status: 'unsealed',
    words: 'the log is not sealed, so that lines can have been removed and the others numbered anew',
  };
}

/** The answer for one log. */
function answerOf(losses: Losses, window: Window, seal: Seal) {
  const { since, until } = window;
  const { first, latest, records, inHoles, inGaps, unknown, disorder } = losses;
  const lost = inHoles + inGaps;
  // A log that begins with number 0 has nothing before it, and one that ends with audit/stop nothing after it.
  const lateBegin = first !== undefined && first.seq > 0 && !(since !== undefined && first.time <= since);
  const earlyEnd = !losses.isStopped && !(until !== undefined && latest >= until);
  const span = spanOf(window);
  const doubts = [
    ...(lateBegin
      ? [`it begins at ${first.time} with seq ${first.seq}, and cannot tell of what was before`]
      : []),
    ...(earlyEnd ? [`it ends at ${latest} without audit/stop, and cannot tell of what came after`] : []),
    seal.words,
  ];
  const parts = [
    ...(inHoles > 0 ? [`${count(inHoles)} in ${plural(losses.holes, 'hole')} of the order`] : []),
    ...(inGaps > 0 ? [`${count(inGaps)} by ${plural(losses.gaps, 'gap record')}`] : []),
  ];
  const claims = [
    ...(lost > 0 ? [`${plural(lost, 'record was', 'records were')} lost ${span} (${parts.join(', ')})`] : []),
    ...(unknown > 0 ? [`${plural(unknown, 'operation has', 'operations have')} no known outcome`] : []),
    ...(disorder > 0 ? [`${plural(disorder, 'record is', 'records are')} out of order`] : []),
  ];
  const known = lateBegin || earlyEnd ? '' : ', and none is missing';
  const none = records > 0 ? `nothing was lost ${span}` : `no record lies ${span}${known}`;
  const claim = isAny(losses) ? claims.join(', and ') || `a loss of unknown extent lies ${span}` : none;
  const basis = records > 0 ? `, as far as its ${plural(records, 'record')} of that time can tell` : '';
  return {
    answer: isAny(losses) ? 'lost' : 'nothing lost',
    ...{
      since,
      until,
      whole_time: !lateBegin && !earlyEnd,
      records,
      lost,
      in_holes: inHoles,
      in_gaps: inGaps,
    },
    ...{
      unknown_outcomes: unknown,
      out_of_order: disorder,
      begins: first?.time,
      ends: latest,
      seal: seal.status,
    },
    sentence: `${claim}${basis}; ${doubts.join('; ')}`,
  } as const;
}

function spanOf({ since, until }: Window): string {
  if (since === undefined && until === undefined) return 'in this log';
  if (until === undefined) return `from ${since ?? ''} on`;
  return since === undefined ? `before ${until}` : `between ${since} and ${until}`;
}
