import type { AuditRecord } from '../../schema/record.js';
import type { LogInput } from '../input/logs.js';
import type { LinePlace } from '../input/scanner.js';
import { canonicalOutcome, isAboutLog, isIntent } from '../input/records.js';
import { TOOL_CHANGED, ToolHistory } from '../input/toolHistory.js';
import { CubeBuilder } from './cube.js';
import { MissingBuilder, PersonalTally, sensitivityOf } from './tallies.js';
import { Summarizer, wholeOf } from './summary.js';
import { OUTCOME_ORDER, type LogSummary, type ReportModel, type Totals, type Rows } from './model.js';

const OUTCOME_NUMBER: ReadonlyMap<string, number> = new Map(
  OUTCOME_ORDER.map((name, index) => [name, index]),
);
const UNKNOWN = OUTCOME_ORDER.indexOf('OUTCOME_UNSPECIFIED');
const LISTED_CHANGES = 100;
/** Distinct sessions and traces are counted up to this number. */
const COUNTED_IDS = 2_000_000;

/** The part of a report that comes from reading the logs. */
export type Aggregates = Omit<
  ReportModel,
  'title' | 'generated' | 'generator' | 'filter' | 'options' | 'integrity' | 'logs'
> & { readonly logs: readonly LogCounts[] };

/** What reading a log says of it. */
type LogCounts = Omit<LogSummary, 'status' | 'vkey'>;

interface LogTally {
  records: number;
  first?: string;
  last?: string;
}

/** Gathers the content of a report, record by record, in bounded memory. */
export class ReportBuilder {
  readonly #cube = new CubeBuilder();
  readonly #missing = new MissingBuilder();
  readonly #personal = new PersonalTally();
  readonly #rows: RowKeeper;
  readonly #tools = new ToolHistory(LISTED_CHANGES);
  /** The number of the kind of each change. */
  readonly #changed: number[] = [];
  readonly #outcomes = OUTCOME_ORDER.map(() => 0);
  readonly #sessions = new Set<string>();
  readonly #traces = new Set<string>();
  readonly #actorTypes = new Map<string, Set<string>>();
  readonly #logs = new Map<string, LogTally>();
  #records = 0;
  #operations = 0;
  #first: string | undefined;
  #last: string | undefined;

  /** @param rows How many records the page may hold one by one. */
  constructor(rows: number) {
    this.#rows = new RowKeeper(rows);
  }

  /** Takes every record of a log, whether or not a filter wants it: for the order, and for the totals of the log. */
  see(log: string, record: AuditRecord, place: LinePlace): void {
    this.#missing.order(log, record, place.file, place.line);
    this.#tools.define(record);
    this.#personal.see(record);
    let tally = this.#logs.get(log);
    if (tally === undefined) this.#logs.set(log, (tally = { records: 0 }));
    tally.records++;
    if (tally.first === undefined || record.time < tally.first) tally.first = record.time;
    if (tally.last === undefined || record.time > tally.last) tally.last = record.time;
  }

  /** Takes a record that the filter wants. */
  add(record: AuditRecord, data: Buffer, start: number, end: number, place: LinePlace): void {
    this.#records++;
    if (this.#first === undefined || record.time < this.#first) this.#first = record.time;
    if (this.#last === undefined || record.time > this.#last) this.#last = record.time;
    this.#missing.add(record);
    this.#personal.add(record);
    const kind = this.#cube.add(record, sensitivityOf(record));
    this.#rows.add(record, kind, data, start, end, place);
    this.#tools.change(record);
    if (record.resource === TOOL_CHANGED) this.#changed.push(kind);
    if (this.#sessions.size < COUNTED_IDS) this.#sessions.add(record.session_id);
    if (this.#traces.size < COUNTED_IDS) this.#traces.add(record.trace_id);
    if (!isAboutLog(record) && !isIntent(record)) this.#operation(record);
  }

  #operation(record: AuditRecord): void {
    this.#operations++;
    const outcome = OUTCOME_NUMBER.get(canonicalOutcome(record.outcome)) ?? UNKNOWN;
    this.#outcomes[outcome]!++;
    let acting = this.#actorTypes.get(record.actor_type);
    if (acting === undefined) this.#actorTypes.set(record.actor_type, (acting = new Set()));
    if (acting.size < COUNTED_IDS) acting.add(record.actor_id);
  }

  /** Returns everything that was gathered. */
  finish(logs: readonly LogInput[], problems: number): Aggregates {
    const { cube, timeline, places } = this.#cube.finish();
    const personal = this.#personal.finish();
    const listed = this.#tools
      .changes()
      .map((change, index) => ({ ...change, kind: places[this.#changed[index]!]! }));
    return {
      cube,
      timeline,
      summary: new Summarizer(cube).summarize(wholeOf(cube)),
      logs: logs.map((log) => this.#summary(log)),
      totals: this.#totals(problems),
      changes: { all: this.#changed.length, listed },
      missing: this.#missing.finish(),
      ...(personal && { personal }),
      rows: this.#rows.finish(places),
    };
  }

  #summary({ name, files }: LogInput): LogCounts {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { name, files: files.map(({ path }) => path), bytes, records: 0, ...this.#logs.get(name) };
  }

  #totals(problems: number): Totals {
    return {
      records: this.#records,
      operations: this.#operations,
      actors: this.#cube.actors.size,
      targets: this.#cube.targets.size,
      servers: this.#cube.servers.size,
      sessions: this.#sessions.size,
      traces: this.#traces.size,
      outcomes: this.#outcomes,
      problems,
      ...(this.#first === undefined ? {} : { first: this.#first }),
      ...(this.#last === undefined ? {} : { last: this.#last }),
      actorTypes: Object.fromEntries([...this.#actorTypes].sort().map(([type, ids]) => [type, ids.size])),
    };
  }
}

/** A line of {@link Rows}, with the number of its kind in place of its place. */
type Line = Rows['lines'][number];

/** Keeps the last `most` items, in order. */
class Ring {
  readonly #items: { order: number; line: Line }[] = [];
  readonly #most: number;
  #next = 0;
  seen = 0;

  constructor(most: number) {
    this.#most = most;
  }

  push(item: { order: number; line: Line }): void {
    this.seen++;
    if (this.#most === 0) return;
    if (this.#items.length < this.#most) this.#items.push(item);
    else {
      this.#items[this.#next] = item;
      this.#next = (this.#next + 1) % this.#most;
    }
  }

  get items(): readonly { order: number; line: Line }[] {
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
  }
}

/**
 * Chooses the single records that a page holds: the newest notable ones (anything but a plain success) up to the limit, then the
 * newest others while there is room.
 */
export class RowKeeper {
  readonly #most: number;
  readonly #notable: Ring;
  readonly #plain: Ring;
  readonly #files: string[] = [];
  #order = 0;

  constructor(most: number) {
    this.#most = most;
    this.#notable = new Ring(most);
    this.#plain = new Ring(most);
  }

  add(record: AuditRecord, kind: number, data: Buffer, start: number, end: number, place: LinePlace): void {
    if (this.#files.at(-1) !== place.file) this.#files.push(place.file);
    const isOfNote = isNotable(record);
    // No other has a place any more.
    if (!isOfNote && this.#notable.seen >= this.#most) return;
    const text = data.toString('utf8', start, end);
    const item = {
      order: this.#order++,
      line: [this.#files.length - 1, place.line, place.offset, text, kind] as const,
    };
    (isOfNote ? this.#notable : this.#plain).push(item);
  }

  /** @param places For each number of a kind, its place in the cube. */
  finish(places: Uint32Array): Rows {
    const notable = this.#notable.items;
    const room = this.#most - notable.length;
    const plain = room === 0 ? [] : this.#plain.items.slice(-room);
    const chosen = [...notable, ...plain].sort((a, b) => a.order - b.order);
    return {
      files: this.#files,
      lines: chosen.map(({ line: [file, line, offset, text, kind] }) => [
        file,
        line,
        offset,
        text,
        places[kind]!,
      ]),
      notable: { shown: notable.length, all: this.#notable.seen },
    };
  }
}

function isNotable(record: AuditRecord): boolean {
  return record.outcome !== 'OUTCOME_SUCCESS' || record.resource.startsWith('audit/');
}
