import { SENSITIVITIES } from '../../schema/tables.js';
import type { Difference } from '../input/toolChange.js';
import { count, duration, plural } from '../term/units.js';
import { OUTCOME_ORDER, type FailureGroup, type ReportModel, type Summary } from './model.js';

/**
 * What the page says, without its HTML: the command writes it into the page, and the page's script writes it anew for what is
 * chosen.
 */
export interface View {
  readonly model: ReportModel;
  readonly summary: Summary;
  /** Whether a part of the records is chosen. */
  readonly narrowed: boolean;
  /** Whether there may be more than was counted, because not all of the log could be searched. */
  readonly atLeast: boolean;
  /** The changes of tools that are chosen. */
  readonly changes: ReportModel['changes'];
}

/** The view of all records. */
export function wholeView(model: ReportModel): View {
  const { summary, changes } = model;
  return { model, summary, narrowed: false, atLeast: false, changes };
}

/** A text with parts that stand out. */
export type Phrase = readonly (string | { readonly strong: string })[];

/** A cell of a table. */
export interface Cell {
  readonly text: string;
  readonly kind?: 'head' | 'number' | 'time' | 'trace' | 'tag' | 'target';
  /** A second, quieter text. */
  readonly note?: string;
  /** Shown in place of the text, where there are any. */
  readonly differences?: readonly Difference[];
}

/** A table of the page. */
export interface TableView {
  readonly caption: string;
  readonly heads: readonly (readonly [name: string, kind?: 'number'])[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A section whose text and table change with what is chosen. */
export interface SectionView {
  readonly lead: Phrase;
  readonly table?: TableView;
}

/** `at least 12`, where it may be more. */
function amount(value: number, { atLeast }: Pick<View, 'atLeast'>): string {
  return atLeast ? `at least ${count(value)}` : count(value);
}

/** What is said where nothing is: of all records, of the chosen ones, or of as many as could be searched. */
export function none({ narrowed, atLeast }: View, all: string, chosen: string): string {
  if (atLeast) return 'None was found in what could be searched';
  return narrowed ? chosen : all;
}

/** The number of operations with an outcome. */
export function outcomeCount({ outcomes }: Summary, outcome: (typeof OUTCOME_ORDER)[number]): number {
  return outcomes[OUTCOME_ORDER.indexOf(outcome)] ?? 0;
}

/** The number of operations that were refused. */
export function refusals(summary: Summary): number {
  return (
    outcomeCount(summary, 'OUTCOME_FAILURE_DENIED') + outcomeCount(summary, 'OUTCOME_FAILURE_UNAUTHORIZED')
  );
}

/** The rank from which on data counts as sensitive. */
export const SENSITIVE: number = SENSITIVITIES.SENSITIVITY_CONFIDENTIAL;

const SENSITIVITY_WORDS = Object.keys(SENSITIVITIES).map((name) =>
  name.replace('SENSITIVITY_', '').replaceAll('_', ' ').toLowerCase(),
);

/** The sections that change with what is chosen, by their ids. */
export const SECTION_VIEWS: Readonly<Record<string, (view: View) => SectionView>> = {
  latency: latencyView,
  failures: failuresView,
  denials: denialsView,
  touched: touchedView,
  changes: changesView,
};

function latencyView({ summary }: View): SectionView {
  const { quantiles, targets } = summary.latency;
  if (targets.length === 0) return { lead: ['No operation, so there is nothing to time.'] };
  const lead: Phrase =
    summary.operations === 1
      ? ['The only operation took ', { strong: duration(quantiles.max) }, '.']
      : [
          'Half of the operations ended within ',
          { strong: duration(quantiles.p50) },
          ', 99 of 100 within ',
          { strong: duration(quantiles.p99) },
          `; the longest took ${duration(quantiles.max)}. Quantiles are right within 6 %.`,
        ];
  return {
    lead,
    table: {
      caption: 'Latency of the busiest targets',
      heads: [
        ['Target'],
        ['Operations', 'number'],
        ['p50', 'number'],
        ['p95', 'number'],
        ['p99', 'number'],
        ['Longest', 'number'],
      ],
      rows: targets.map((row) => [
        { text: row.name, kind: 'target' },
        ...[count(row.count), ...[row.p50, row.p95, row.p99, row.max].map(duration)].map(number),
      ]),
    },
  };
}

function number(text: string): Cell {
  return { text, kind: 'number' };
}

function groupTable(caption: string, head: string, groups: readonly FailureGroup[]): TableView {
  return {
    caption,
    heads: [['What'], [head], ['Times', 'number'], ['By'], ['Last'], ['Its trace']],
    rows: groups.map(({ reason, target, targets, actors, count: times, last, trace }) => [
      { text: target, kind: 'target', ...(targets > 1 && { note: `${count(targets)} names` }) },
      { text: reason },
      number(count(times)),
      { text: actors.slice(0, 2).join(', ') + (actors.length > 2 ? ', …' : '') },
      { text: last, kind: 'time' },
      { text: trace, kind: 'trace' },
    ]),
  };
}

/** What is said where a table does not list all groups. */
function listedOf(groups: readonly FailureGroup[], all: number): string {
  if (groups.length === all) return ` By what failed and why: ${plural(all, 'kind')}.`;
  const listed = groups.reduce((sum, group) => sum + group.count, 0);
  return ` The ${groups.length} most frequent of ${count(all)} kinds are listed: ${plural(listed, 'operation')}.`;
}

function failuresView(view: View): SectionView {
  const { summary } = view;
  const errors = outcomeCount(summary, 'OUTCOME_FAILURE_ERROR');
  if (errors === 0)
    return {
      lead: [
        `${none(view, 'No operation ended in an error', 'None of the chosen operations ended in an error')}.`,
      ],
    };
  return {
    lead: [
      { strong: `${amount(errors, view)} ${errors === 1 ? 'operation' : 'operations'}` },
      ` ended in an error.${listedOf(summary.failures, summary.failureKinds)}`,
    ],
    table: groupTable('Failures by kind', 'Error', summary.failures),
  };
}

function denialsView(view: View): SectionView {
  const { summary } = view;
  const refused = refusals(summary);
  if (refused === 0)
    return {
      lead: [`${none(view, 'Nobody was refused anything', 'None of the chosen operations was refused')}.`],
    };
  return {
    lead: [
      { strong: `${amount(refused, view)} ${refused === 1 ? 'operation' : 'operations'}` },
      ` met a refusal.${listedOf(summary.denials, summary.denialKinds)}`,
    ],
    table: groupTable('Refusals by kind', 'Reason', summary.denials),
  };
}

function touchedView(view: View): SectionView {
  const { touched, touchedKinds } = view.summary;
  const [first] = touched;
  if (first === undefined)
    return {
      lead: [
        `${none(view, 'No tool was called, no resource read', 'None of the chosen operations touched data')}.`,
      ],
    };
  const some =
    touched.length < touchedKinds ? `The first ${touched.length} of ${count(touchedKinds)}` : 'All';
  const order =
    first.sensitivity >= SENSITIVE
      ? 'the most sensitive first, by the gravest sensitivity that their records state.'
      : 'the most used first. No record states that its data is confidential or graver.';
  return {
    lead: [`${some} tools, prompts and resources, ${order}`],
    table: {
      caption: 'Data touched',
      heads: [
        ['Tool or resource'],
        ['Sensitivity'],
        ['Operations', 'number'],
        ['Not successful', 'number'],
        ['Actors', 'number'],
        ['Last'],
      ],
      rows: touched.map((row) => [
        { text: row.name, kind: 'target', ...(row.names > 1 && { note: `${count(row.names)} names` }) },
        { text: SENSITIVITY_WORDS[row.sensitivity] ?? 'unspecified', kind: 'tag' },
        ...[row.count, row.failed, row.actors].map((value) => number(count(value))),
        { text: row.last, kind: 'time' },
      ]),
    },
  };
}

function changesView(view: View): SectionView {
  const { all, listed } = view.changes;
  if (all === 0)
    return {
      lead: [
        `${none(view, 'No tool definition changed while it was in use', 'None of the chosen records tells of a changed tool definition')}.`,
      ],
    };
  return {
    lead: [
      'A tool whose definition changes after it was approved may do something else than it did. ',
      listed.length < all
        ? `The first ${count(listed.length)} of ${plural(all, 'change')}, as the client noticed them:`
        : `${plural(all, 'change')}, as the client noticed them:`,
    ],
    table: {
      caption: 'Changed tool definitions',
      heads: [['Noticed'], ['Tool'], ['Server'], ['What it said, and says'], ['Trace']],
      rows: listed.map((change) => [
        { text: change.time, kind: 'time' },
        { text: change.tool, kind: 'head' },
        { text: change.server },
        {
          text: change.message,
          differences: change.differences,
          ...(change.note !== undefined && { note: change.note }),
        },
        { text: change.trace, kind: 'trace' },
      ]),
    },
  };
}
