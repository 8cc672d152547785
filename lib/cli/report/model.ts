import type { ToolChange } from '../input/toolChange.js';

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
  readonly logs: readonly LogSummary[];
  readonly totals: Totals;
  readonly timeline: Timeline;
  /** Counts by time bucket, actor, target, server and outcome. */
  readonly cube: Cube;
  readonly latency: Latency;
  readonly failures: readonly FailureGroup[];
  readonly denials: readonly FailureGroup[];
  readonly touched: readonly TouchedData[];
  readonly changes: readonly ToolChange[];
  readonly missing: Missing;
  readonly integrity: Integrity;
  readonly rows: Rows;
}

/** One of the logs that the report covers. */
export interface LogSummary {
  readonly name: string;
  readonly files: readonly string[];
  readonly bytes: number;
  readonly records: number;
  readonly first?: string;
  readonly last?: string;
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

/** Counts over all wanted records. */
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

/** The names of a dimension, the most frequent first. The last may stand for all others. */
export interface Dimension {
  readonly names: readonly string[];
  /** How many names the last one stands for; 0 if it stands for itself. */
  readonly folded: number;
}

/** Sparse counts: cell `i` has bucket `time[i]`, actor `actor[i]`, … and `count[i]` operations. */
export interface Cube {
  readonly actors: Dimension;
  readonly targets: Dimension;
  readonly servers: Dimension;
  readonly time: readonly number[];
  readonly actor: readonly number[];
  readonly target: readonly number[];
  readonly server: readonly number[];
  readonly outcome: readonly number[];
  readonly count: readonly number[];
}

/** How long operations took. */
export interface Latency {
  /** Upper bounds of the bins, in milliseconds; the last bin is open. */
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

/** Failures or denials of one kind. */
export interface FailureGroup {
  readonly type: string;
  readonly target: string;
  /** The first few actors. */
  readonly actors: readonly string[];
  readonly count: number;
  readonly last: string;
  readonly trace: string;
}

/** Data that was touched. */
export interface TouchedData {
  readonly name: string;
  readonly sensitivity: string;
  readonly count: number;
  readonly failed: number;
  readonly actors: number;
  readonly last: string;
}

/** What is missing, as far as the logs show it. */
export interface Missing {
  readonly holes: readonly {
    readonly file: string;
    readonly line: number;
    readonly kind: string;
    readonly from: number;
    readonly count: number;
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
  /** For each record its file, line, byte offset and the line itself, as it was logged. */
  readonly lines: readonly (readonly [file: number, line: number, offset: number, text: string])[];
  /** How many of all notable records (anything but success) are among them. */
  readonly notable: { readonly shown: number; readonly all: number };
}
