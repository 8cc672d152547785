import type { ToolChange } from '../input/toolChange.js';
import type { Finding, Summary as ComparisonSummary } from '../reconcile/findings.js';

/**
 * The content of a report. The command makes it and embeds it in the page; the page's script reads it. Both sides import these
 * types, and nothing else from each other.
 */
export interface ReportModel {
  readonly title: string;
  /** When the report was made (RFC 3339); absent where the same input must give the same bytes. */
  readonly generated?: string;
  /** The name and version of the program. */
  readonly generator: string;
  /** The filter in words; empty where all records are wanted. */
  readonly filter: string;
  /** The same filter as options of `query`, times as they were when the report was made. */
  readonly options: QueryOptions;
  readonly logs: readonly LogSummary[];
  readonly totals: Totals;
  readonly timeline: Timeline;
  /** Counts by time, actor, target, server and how it ended. */
  readonly cube: Cube;
  /** What the cube says of all records. */
  readonly summary: Summary;
  readonly changes: Changes;
  readonly missing: Missing;
  readonly integrity: Integrity;
  /** Values that are encrypted for persons; absent where there are none. */
  readonly personal?: Personal;
  /** How the records of clients agree with those of servers; absent where the logs are of one side only. */
  readonly bothSides?: BothSides;
  readonly rows: Rows;
}

/** The comparison of both sides, or why there is none. */
export type BothSides = Comparison | { readonly not_compared: 'standard_input' | 'too_many' };

/** What `reconcile` says of the same logs. */
export interface Comparison extends Readonly<ComparisonSummary> {
  /** Lines or files that could not be read. */
  readonly unreadable: number;
  /** The first requests that differ, or are on one side only: those with no good reason before the others. */
  readonly findings: readonly Finding[];
  /** How many such requests are not among them. */
  readonly omitted: number;
}

/** How many records hold values that concern persons, by what became of these. */
export interface Personal {
  /** Records whose values are encrypted, and were not put back for this page. */
  readonly encrypted: number;
  /** Records whose values were put back with the keys. */
  readonly opened: number;
  /** Records that have lost values since a key was destroyed: by the keys, or by records of erasures among the logs. */
  readonly erased: number;
  /** Records whose values never went on record: the key or the person could not be found out, or was erased before. */
  readonly withheld: number;
  /** Keys that these records name. */
  readonly keys: number;
  /** Of these, the ones that were destroyed. */
  readonly destroyed: number;
}

/** Options of `query` by their names, each with its values; `true` for one that takes none. */
export type QueryOptions = Readonly<Record<string, readonly string[] | true>>;

/** One of the logs that the report covers. */
export interface LogSummary {
  readonly name: string;
  readonly files: readonly string[];
  readonly bytes: number;
  readonly records: number;
  readonly first?: string;
  readonly last?: string;
  /** The verdict of `verify` on this log. */
  readonly status: Integrity['status'];
  /** Where its verifier keys lie, or the key that was given; absent where it is not sealed. */
  readonly vkey?: string;
}

/** The outcomes, in the order in which {@link Cube} numbers them and charts stack them. */
export const OUTCOME_ORDER = [
  'OUTCOME_SUCCESS',
  'OUTCOME_PARTIAL',
  'OUTCOME_UNSPECIFIED',
  'OUTCOME_FAILURE_UNAUTHORIZED',
  'OUTCOME_FAILURE_DENIED',
  'OUTCOME_FAILURE_ERROR',
] as const;

/** Counts over all wanted records, beside those of {@link Summary}. */
export interface Totals {
  readonly records: number;
  /** Records of operations: not intents, not records about the log itself. */
  readonly operations: number;
  readonly actors: number;
  readonly targets: number;
  readonly servers: number;
  readonly sessions: number;
  readonly traces: number;
  /** By {@link OUTCOME_ORDER}; operations only. */
  readonly outcomes: readonly number[];
  /** How many lines were no record. */
  readonly problems: number;
  readonly first?: string;
  readonly last?: string;
  /** The number of users, agents and services that acted. */
  readonly actorTypes: Readonly<Record<string, number>>;
}

/** The buckets of time that {@link Cube} counts in. */
export interface Timeline {
  /** Start of the first bucket, milliseconds since the epoch. */
  readonly start: number;
  /** Width of a bucket in milliseconds. */
  readonly step: number;
  readonly buckets: number;
}

/** The names of a dimension, the most frequent first. */
export interface Dimension {
  readonly names: readonly string[];
  /** So many of the names stand for themselves. Those after them are templates of URIs, and the last may be `(other)`. */
  readonly exact: number;
  /** How many names the others stand for together. */
  readonly folded: number;
}

/** Sparse counts. A kind is what actor, target, server and end have in common; a list `of kinds` has one item for each. */
export interface Cube {
  readonly actors: Dimension;
  readonly targets: Dimension;
  readonly servers: Dimension;
  /** For each target, the rank of the gravest sensitivity that its records state; -1 where it is no data. */
  readonly sensitivity: readonly number[];
  /** How records ended: by {@link OUTCOME_ORDER}, whether they are operations, and why. */
  readonly ends: readonly { readonly outcome: number; readonly operation: 0 | 1; readonly reason: string }[];
  /** The kinds: places in `actors`, `targets`, `servers` and `ends`. */
  readonly kinds: readonly (readonly [actor: number, target: number, server: number, end: number])[];
  /** Of kinds: when the last record was, in milliseconds since the epoch, and in which trace where it was not a success. */
  readonly last: readonly number[];
  readonly traces: readonly string[];
  /** Of kinds: how long the longest operation took, in milliseconds. */
  readonly longest: readonly number[];
  /** Of kinds: records by bucket. Each cell is its distance from the one before, then its count. */
  readonly counts: readonly (readonly number[])[];
  /** The periods in which durations are counted apart: fewer than there are buckets. */
  readonly periods: Timeline;
  /** Of kinds: operations by `period * BINS + bin`, in the form of `counts`. */
  readonly durations: readonly (readonly number[])[];
}

/** The numbers of a choice of records. */
export interface Summary {
  readonly records: number;
  readonly operations: number;
  readonly actors: number;
  readonly targets: number;
  readonly servers: number;
  /** By {@link OUTCOME_ORDER}; operations only. */
  readonly outcomes: readonly number[];
  /** Operations that ended without anybody seeing how. */
  readonly unknown: number;
  readonly busiest: string;
  readonly latency: Latency;
  /** The most frequent groups of failures and of refusals, and how many groups there are. */
  readonly failures: readonly FailureGroup[];
  readonly denials: readonly FailureGroup[];
  readonly failureKinds: number;
  readonly denialKinds: number;
  readonly touched: readonly TouchedData[];
  readonly touchedKinds: number;
}

/** How long operations took. */
export interface Latency {
  /** Upper bounds of the bins of a chart, in milliseconds; the last bin is open. */
  readonly bounds: readonly number[];
  /** Operations in each bin. */
  readonly counts: readonly number[];
  readonly quantiles: Quantiles;
  /** The busiest targets. */
  readonly targets: readonly ({ readonly name: string; readonly count: number } & Quantiles)[];
}

/** Milliseconds, within 6 %. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Failures or denials of one reason and of targets of one template. */
export interface FailureGroup {
  readonly reason: string;
  readonly target: string;
  /** How many targets there are, by their names. */
  readonly targets: number;
  /** The first few actors. */
  readonly actors: readonly string[];
  readonly count: number;
  /** When the last was (RFC 3339), and in which trace. */
  readonly last: string;
  readonly trace: string;
}

/** Data that was touched. */
export interface TouchedData {
  readonly name: string;
  /** How many names there are, where the name is a template. */
  readonly names: number;
  /** The rank of its gravest sensitivity. */
  readonly sensitivity: number;
  readonly count: number;
  readonly failed: number;
  readonly actors: number;
  readonly last: string;
}

/** Changes of tools' definitions. */
interface Changes {
  readonly all: number;
  /** The first of them, each with the place of its kind in the cube. */
  readonly listed: readonly (ToolChange & { readonly kind: number })[];
}

/** What is missing, as far as the logs show it. */
export interface Missing {
  readonly holes: readonly {
    readonly file: string;
    readonly line: number;
    readonly kind: string;
    readonly from: number;
    readonly count: number;
    /** The times of the records before and after it. */
    readonly after?: string | undefined;
    readonly before?: string | undefined;
  }[];
  /** How many records all holes in `seq` lack together. */
  readonly places: number;
  /** How many records repeat a `seq`, are out of order, or restart the count. */
  readonly disorder: number;
  readonly gaps: readonly { readonly time: string; readonly count: number; readonly message: string }[];
  /** How many lost records the gap records name. */
  readonly admitted: number;
  /** How many operations have no known outcome. */
  readonly unknown: number;
  /** How many intents have no completion in these logs. */
  readonly open: number;
}

/** Whether the log is as it was written. */
export interface Integrity {
  /** The verdict of `verify`; `unchecked` where the log was not verified. */
  readonly status:
    | 'intact'
    | 'unconfirmed'
    | 'partly-sealed'
    | 'unwitnessed'
    | 'unsealed'
    | 'untrusted'
    | 'broken'
    | 'unchecked';
  /** The verdict as a heading. */
  readonly title: string;
  /** The verdict in one sentence, then one sentence for each finding. */
  readonly findings: readonly string[];
  /** What was checked, by which evidence, and what was not. */
  readonly checks: readonly {
    readonly what: string;
    readonly by: string;
    readonly result: 'holds' | 'fails' | 'not checked';
  }[];
  /** How many sessions were closed with all their requests on record, closed without some of them, and not closed. */
  readonly sessions?: { readonly complete: number; readonly different: number; readonly open: number };
  readonly vkey?: string;
  /** The text of the newest checkpoint. */
  readonly checkpoint?: string;
}

/** The single records that the page holds. */
export interface Rows {
  /** The paths of the files, which rows name by their index. */
  readonly files: readonly string[];
  /** For each record its file, line, byte offset, the line itself as it was logged, and the place of its kind in the cube. */
  readonly lines: readonly (readonly [
    file: number,
    line: number,
    offset: number,
    text: string,
    kind: number,
  ])[];
  /** How many of all notable records (anything but success) are among them. */
  readonly notable: { readonly shown: number; readonly all: number };
}
