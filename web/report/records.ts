import type { ReportModel } from '../../lib/cli/report/model.js';
import { haystackOf } from '../../lib/cli/query/words.js';
import { binOf } from '../../lib/cli/report/summary.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { OUTCOME_GROUPS } from './state.js';

const GROUP_OF_OUTCOME = OUTCOME_GROUPS.reduce<number[]>((groups, { outcomes }, group) => {
  for (const outcome of outcomes) groups[outcome] = group;
  return groups;
}, []);

/** The place in OUTCOME_GROUPS that an outcome belongs to. */
export function groupOf(outcome: number): number {
  return GROUP_OF_OUTCOME[outcome] ?? 1;
}

/** A record that can be looked at. */
export class Row {
  readonly record: AuditRecord;
  /** The line, as it was logged. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly offset: number;
  /** The place of its kind in the cube. */
  readonly kind: number;
  /** Its place in OUTCOME_GROUPS. */
  readonly group: number;
  readonly time: number;
  /** The bucket of the timeline, and the bin of its duration. */
  readonly bucket: number;
  readonly bin: number;
  #haystack: string | undefined;

  constructor({ rows, cube, timeline }: ReportModel, index: number, text: string) {
    const [file, line, offset, , kind] = rows.lines[index]!;
    this.record = JSON.parse(text) as AuditRecord;
    this.text = text;
    this.line = line;
    this.offset = offset;
    this.kind = kind;
    this.file = rows.files[file] ?? '';
    this.group = groupOf(cube.ends[cube.kinds[kind]![3]]!.outcome);
    this.time = Date.parse(this.record.time);
    this.bucket = Math.floor((this.time - timeline.start) / timeline.step);
    this.bin = binOf(this.record.duration_ms);
  }

  /** What a search looks through. */
  get haystack(): string {
    return (this.#haystack ??= haystackOf(this.record));
  }
}

/** The rows of the model, whose lines follow it in the page. */
export function decodeRows(model: ReportModel, lines: readonly string[]): Row[] {
  return model.rows.lines.map((_, index) => new Row(model, index, lines[index] ?? ''));
}
