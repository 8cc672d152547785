import { toJsonLine } from '../../codecs/codec.js';
import { actorsOf } from '../../schema/parts.js';
import type { AuditRecord } from '../../schema/record.js';
import { EVENT_TYPES, SEVERITIES } from '../../schema/tables.js';
import { nearest } from '../../internal/text.js';
import { usageFailure } from '../shared/command.js';
import { Prefilter, type AnyOf } from '../input/prefilter.js';
import { toolOf } from '../input/toolHistory.js';
import { isLossWithin, LOSS_NEEDLES, tellsOfLoss } from './losses.js';
import { parseTime } from './time.js';
import { haystackOf, searchWords } from './words.js';
import type { OptionValues } from '../shared/define.js';

/** The options with which `query`, `tail`, `report` and `export` choose records. */
export const FILTER_OPTIONS = {
  since: {
    type: 'string',
    value: 'TIME',
    help: "records from this time on: an age ('2h', '7d'), a day, a month or a time (UTC)",
  },
  until: {
    type: 'string',
    value: 'TIME',
    help: 'records before this time; a day or a month counts to its end',
  },
  actor: {
    type: 'string',
    multiple: true,
    value: 'ID',
    help: "who acted, for whom, or through whom; '*' and '?' are wildcards here and below",
  },
  tool: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'the tool that was called, or whose definition changed',
  },
  server: { type: 'string', multiple: true, value: 'NAME', help: 'the server, by its name or address' },
  resource: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: "what was touched: 'tools/*', 'file:///srv/*'",
  },
  outcome: {
    type: 'string',
    multiple: true,
    value: 'WORD',
    help: 'success, failure (error, denied and unauthorized), error, denied,\nunauthorized, partial, unknown',
  },
  event: {
    type: 'string',
    multiple: true,
    value: 'TYPE',
    help: "the schema's event type: tool_invocation, login, …",
  },
  severity: {
    type: 'string',
    value: 'LEVEL',
    help: 'this severity or a graver one: info, warning, error, …',
  },
  side: {
    type: 'string',
    value: 'SIDE',
    help: 'client or server: whose side of a request the record tells; records of the log itself have none',
  },
  trace: { type: 'string', multiple: true, value: 'ID', help: 'the trace (correlation) id' },
  session: { type: 'string', multiple: true, value: 'ID', help: 'the session id' },
  tenant: { type: 'string', multiple: true, value: 'ID', help: 'the tenant' },
  environment: { type: 'string', multiple: true, value: 'NAME', help: 'the environment' },
  component: { type: 'string', multiple: true, value: 'NAME', help: 'the component' },
  id: { type: 'string', multiple: true, value: 'ID', help: 'the record id' },
  contains: {
    type: 'string',
    multiple: true,
    value: 'TEXT',
    help: 'the record holds this text, in any field',
  },
  search: {
    type: 'string',
    multiple: true,
    value: 'WORDS',
    help: "the record's values hold these words, in either case, as the search of a report's page has it",
  },
  gaps: { type: 'boolean', help: 'what is missing: gap records, operations without a known outcome' },
} as const;

/** The values of {@link FILTER_OPTIONS}. */
export type FilterOptions = OptionValues<typeof FILTER_OPTIONS>;

/** Which records are wanted. */
export interface RecordFilter {
  /** Whether the record is wanted. */
  matches(record: AuditRecord): boolean;
  /** A new prefilter, which asks the same of raw bytes. Undefined where the bytes tell nothing. */
  prefilter(): Prefilter | undefined;
  /** The texts that the prefilter asks for: a line must hold one of each group. */
  readonly needles: readonly AnyOf[];
  /** Whether the prefilter alone decides on records that this package has written, so that they need no decoding. */
  readonly decidedByBytes: boolean;
  /** Whether every record is wanted. */
  readonly empty: boolean;
  /** The bounds of time, in the form that records have. */
  readonly since: string | undefined;
  readonly until: string | undefined;
}

/** One condition on records, and the texts of which a line must hold one for it. */
interface Condition {
  test(record: AuditRecord): boolean;
  readonly needles: AnyOf | undefined;
  /** Whether every line that holds one of the needles fulfils the condition. */
  readonly exact?: boolean;
}

/** Short names of outcomes. The names of schema package 0.2 mean the same as those of the documented schema. */
const OUTCOME_WORDS: Readonly<Record<string, readonly string[]>> = {
  success: ['OUTCOME_SUCCESS'],
  failure: ['OUTCOME_FAILURE_ERROR', 'OUTCOME_FAILURE_DENIED', 'OUTCOME_FAILURE_UNAUTHORIZED'],
  error: ['OUTCOME_FAILURE_ERROR'],
  denied: ['OUTCOME_FAILURE_DENIED'],
  unauthorized: ['OUTCOME_FAILURE_UNAUTHORIZED'],
  partial: ['OUTCOME_PARTIAL', 'OUTCOME_OTHER'],
  unknown: ['OUTCOME_UNSPECIFIED', 'OUTCOME_UNKNOWN'],
};

type Read = (record: AuditRecord) => readonly (string | undefined)[];

/** The options that compare one text of a record with patterns. */
const TEXT_FIELDS: Readonly<Record<string, Read>> = {
  actor: actorsOf,
  tool: (record) => [toolOf(record)],
  server: (record) => [record.server_id, record.mcp?.server_address],
  resource: (record) => [record.resource, record.mcp?.resource_uri],
  trace: (record) => [record.trace_id, record.correlation_id],
  session: (record) => [record.session_id],
  tenant: (record) => [record.tenant_id],
  environment: (record) => [record.environment],
  component: (record) => [record.component],
  id: (record) => [record.record_id],
};

/**
 * Compiles the filter options of a command line.
 *
 * @throws {CliFailure} when a value cannot be understood.
 */
export function compileFilter(options: FilterOptions, now?: number): RecordFilter {
  const since = options.since === undefined ? undefined : parseTime('since', options.since, 'since', now);
  const until = options.until === undefined ? undefined : parseTime('until', options.until, 'until', now);
  const conditions = [...textConditions(options), ...enumConditions(options), ...otherConditions(options)];
  const groups = conditions.map(({ needles }) => needles).filter((needles) => needles !== undefined);
  // The rarest text first. As a rule, longer texts are rarer.
  groups.sort((a, b) => shortest(b) - shortest(a));
  const timed = since !== undefined || until !== undefined;
  return {
    since,
    until,
    needles: groups,
    decidedByBytes: conditions.every(({ exact }) => exact),
    empty: conditions.length === 0 && !timed,
    matches: (record) =>
      (options.gaps === true
        ? isLossWithin(record, { since, until })
        : (since === undefined || record.time >= since) && (until === undefined || record.time < until)) &&
      conditions.every((condition) => condition.test(record)),
    prefilter: () => {
      // A gap record is written after the loss that it tells of.
      if (options.gaps === true) return new Prefilter(groups);
      return groups.length > 0 || timed ? new Prefilter(groups, since, until) : undefined;
    },
  };
}

function shortest(texts: AnyOf): number {
  return Math.min(...texts.map(({ length }) => length));
}

function textConditions(options: FilterOptions): Condition[] {
  return Object.entries(TEXT_FIELDS).flatMap(([name, read]) => {
    const given = options[name as keyof FilterOptions];
    if (!Array.isArray(given)) return [];
    const patterns = (given as string[]).map((text) => compilePattern(required(name, text)));
    const test = (record: AuditRecord) =>
      read(record).some((value) => value !== undefined && patterns.some((pattern) => pattern.test(value)));
    return [{ test, needles: allNeedles(patterns) }];
  });
}

function required(name: string, text: string): string {
  if (text === '') throw usageFailure(`--${name} is empty`);
  return text;
}

function allNeedles(patterns: readonly Pattern[]): AnyOf | undefined {
  const needles = patterns.map(({ needle }) => needle);
  return needles.every((needle) => needle !== undefined) ? needles : undefined;
}

const SIDES: Readonly<Record<string, readonly string[]>> = { client: ['client'], server: ['server'] };

function enumConditions({ outcome, event, severity, side }: FilterOptions): Condition[] {
  const conditions: Condition[] = [];
  if (outcome !== undefined) {
    const wanted = new Set(outcome.flatMap((word) => named('outcome', word, 'OUTCOME_', OUTCOME_WORDS)));
    conditions.push({ test: ({ outcome: found }) => wanted.has(found), needles: quoted(wanted) });
  }
  if (event !== undefined) {
    const words = Object.keys(EVENT_TYPES).map((name) => [short(name, 'EVENT_'), [name]] as const);
    const wanted = new Set(
      event.flatMap((word) => named('event', word, 'EVENT_', Object.fromEntries(words))),
    );
    conditions.push({ test: ({ event_type: found }) => wanted.has(found), needles: quoted(wanted) });
  }
  if (side !== undefined) {
    const wanted = new Set(named('side', side, '', SIDES));
    const test = ({ mcp }: AuditRecord) => mcp !== undefined && wanted.has(mcp.side ?? 'client');
    // Records of clients do not name their side.
    conditions.push({ test, needles: wanted.has('client') ? undefined : quoted(wanted) });
  }
  if (severity !== undefined) {
    const wanted = new Set<string>(severitiesFrom(severity));
    conditions.push({ test: ({ severity: found }) => wanted.has(found), needles: quoted(wanted) });
  }
  return conditions;
}

function short(name: string, prefix: string): string {
  return name.slice(prefix.length).toLowerCase();
}

function quoted(names: ReadonlySet<string>): AnyOf {
  return [...names].map((name) => `"${name}"`);
}

/** The schema's names for words that are separated by commas. */
function named(
  option: string,
  list: string,
  prefix: string,
  words: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  return list.split(',').flatMap((word) => {
    const key = word.trim().toLowerCase().replaceAll('-', '_');
    const plain = key.startsWith(prefix.toLowerCase()) ? key.slice(prefix.length) : key;
    const found = Object.hasOwn(words, plain) ? words[plain] : undefined;
    if (found !== undefined) return found;
    const full = Object.values(words).find((names) => names.includes(`${prefix}${plain.toUpperCase()}`));
    if (full !== undefined) return [`${prefix}${plain.toUpperCase()}`];
    const meant = nearest(plain, Object.keys(words));
    throw usageFailure(
      `--${option}: unknown value`,
      `${meant === undefined ? '' : `Did you mean '${meant}'? `}Known are ${Object.keys(words).join(', ')}.`,
    );
  });
}

function severitiesFrom(word: string): string[] {
  const levels = Object.keys(SEVERITIES);
  const plain = word
    .toUpperCase()
    .replace(/^SEVERITY_/, '')
    .replace(/^WARN$/, 'WARNING');
  const from = levels.indexOf(`SEVERITY_${plain}`);
  if (from === -1)
    throw usageFailure(
      '--severity: unknown value',
      `Known are ${levels.map((name) => short(name, 'SEVERITY_')).join(', ')}.`,
    );
  return levels.slice(from);
}

/** Characters that every JSON writer leaves as they are, so that a line holds the text if and only if its record does. */
const SEARCHABLE = /^[A-Za-z0-9_.:@ [\]-]+$/;

function otherConditions({ contains, search, gaps }: FilterOptions): Condition[] {
  const conditions = (contains ?? []).map((text): Condition => {
    // As lines are written, so that decoded records and bytes give the same answer also where a text is a part of an escape.
    const written = toJsonLine(required('contains', text)).slice(1, -1);
    const exact = SEARCHABLE.test(text);
    const needle = exact ? text : longestRun(text);
    return {
      test: (record) => toJsonLine(record).includes(written),
      needles: needle === undefined ? undefined : [needle],
      exact,
    };
  });
  if (search !== undefined) {
    const words = search.flatMap((text) => searchWords(required('search', text)));
    const test = (record: AuditRecord) => {
      const values = haystackOf(record);
      return words.every((word) => values.includes(word));
    };
    conditions.push({ test, needles: undefined });
  }
  if (gaps === true) conditions.push({ test: tellsOfLoss, needles: LOSS_NEEDLES });
  return conditions;
}

/** A pattern of a filter: text in which `*` stands for any run of characters and `?` for any one. */
interface Pattern {
  test(value: string): boolean;
  /** A text that a line must hold if one of its fields matches; undefined if no text is worth a search. */
  readonly needle: string | undefined;
}

/** Characters that JSON writers leave as they are, so that raw lines can be searched for them. */
const PLAIN = /[A-Za-z0-9_.:@+=,;~ -]+/g;
const WORTHWHILE = 3;

/** Compiles a pattern. Case matters. */
function compilePattern(text: string): Pattern {
  const wild = /[*?]/.test(text);
  if (!wild) return { test: (value) => value === text, needle: needleIn(`"${text}"`) };
  const source = text
    .split(/(\*+|\?)/)
    .map((part) =>
      part.startsWith('*') ? '.*' : part === '?' ? '.' : part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'),
    );
  const expression = new RegExp(`^${source.join('')}$`, 'su');
  return { test: (value) => expression.test(value), needle: needleIn(`"${text}"`) };
}

/** The longest run of plain characters in a text; undefined where none is worth a search. */
function longestRun(text: string): string | undefined {
  const runs = (text.match(PLAIN) ?? []).filter(({ length }) => length >= WORTHWHILE);
  return runs.sort((a, b) => b.length - a.length)[0];
}

/** The longest run of plain characters, with the quotation mark where the run touches the beginning or end of the value. */
function needleIn(quoted: string): string | undefined {
  const inner = quoted.slice(1, -1);
  let best: string | undefined;
  for (const { 0: run, index } of inner.matchAll(PLAIN)) {
    const text = `${index === 0 ? '"' : ''}${run}${index + run.length === inner.length ? '"' : ''}`;
    if (run.length >= WORTHWHILE && text.length > (best?.length ?? 0)) best = text;
  }
  return best;
}
