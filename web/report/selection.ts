import { searchWords } from '../../lib/cli/query/words.js';
import { OUTCOME_ORDER, type Cube, type ReportModel, type Summary } from '../../lib/cli/report/model.js';
import { NO_SERVER, OTHER, literalsOf } from '../../lib/cli/report/names.js';
import { eachCell, Summarizer } from '../../lib/cli/report/summary.js';
import { Counter } from './counter.js';
import { groupOf, type Row } from './records.js';
import { FACETS, OUTCOME_GROUPS, type Choice, type Facet } from './state.js';

const DIMENSIONS = { actor: 'actors', target: 'targets', server: 'servers' } as const;
const PLACE_IN_KIND = { actor: 0, target: 1, server: 2 } as const;

/** What a choice comes to. */
export interface Selection {
  readonly choice: Choice;
  /** The chosen records that are in the page, in the order of the log. */
  readonly rows: readonly Row[];
  readonly summary: Summary;
  /** Whether there may be more: a search cannot look into records that are not in the page, but for the names that are counted. */
  readonly atLeast: boolean;
  /** Operations by group of outcomes, whatever group is chosen. */
  readonly groups: readonly number[];
  /** Operations by bucket of the timeline for each group of outcomes, whatever time is chosen. */
  readonly series: readonly (readonly number[])[];
  /** For each kind, how many records there are in the chosen time with the chosen words. */
  readonly counts: Float64Array;
  /** For each kind, whether it is chosen; the choice of one field may be left out of account. */
  mask(except?: Facet | 'outcome'): Uint8Array;
}

/** Finds what is chosen: in the rows where the page holds all records, else in the counts of the cube and in the rows. */
export class Selector {
  readonly model: ReportModel;
  readonly rows: readonly Row[];
  readonly summarizer: Summarizer;
  /** Whether every record is in the page. */
  readonly complete: boolean;
  #names: readonly string[] | undefined;

  constructor(model: ReportModel, rows: readonly Row[]) {
    this.model = model;
    this.rows = rows;
    this.summarizer = new Summarizer(model.cube);
    this.complete = rows.length === model.totals.records;
  }

  /** The first and the last bucket of a choice. */
  buckets({ range }: Choice): [first: number, last: number] {
    const { start, step, buckets } = this.model.timeline;
    if (range === undefined) return [0, buckets - 1];
    const [from, to] = range;
    return [
      Math.max(0, Math.floor((from - start) / step)),
      Math.min(buckets - 1, Math.ceil((to - start) / step) - 1),
    ];
  }

  choose(choice: Choice): Selection {
    const words = searchWords(choice.text);
    const [first, last] = this.buckets(choice);
    const masks = this.#masks(choice);
    const { length } = this.model.cube.kinds;
    const mask = (except?: Facet | 'outcome') => combine(masks, length, except);
    const full = mask();
    const holds = (row: Row) => words.every((word) => row.haystack.includes(word));
    const timely = ({ bucket }: Row) => bucket >= first && bucket <= last;
    const found = words.length === 0 ? this.rows : this.rows.filter(holds);
    const named = this.#named(words);
    const source = new Counter(this.model, named, { first, last });
    if (this.complete) source.takeRows(found, () => true);
    else {
      source.takeCube();
      source.takeRows(found, (row) => named !== undefined && named[row.kind] === 0);
    }
    const rows = found.filter((row) => full[row.kind] === 1 && timely(row));
    const { summarizer } = this;
    let summary: Summary | undefined;
    return {
      choice,
      rows,
      atLeast: this.#mayBeMore(choice, named, full, timely),
      counts: source.counts,
      groups: this.#groups(source.counts, mask('outcome')),
      series: source.seriesOf(full),
      mask,
      get summary() {
        return (summary ??= summarizer.summarize(source.shares(full)));
      },
    };
  }

  /** For each kind whether its names hold all the words; undefined where the names are not asked. */
  #named(words: readonly string[]): Uint8Array | undefined {
    if (words.length === 0 || this.complete) return undefined;
    this.#names ??= namesOfKinds(this.model.cube);
    return Uint8Array.from(this.#names, (names) => (words.every((word) => names.includes(word)) ? 1 : 0));
  }

  /** A search is exact if every record that its names do not decide on is in the page. So is a choice of values that are counted. */
  #mayBeMore(
    choice: Choice,
    named: Uint8Array | undefined,
    full: Uint8Array,
    timely: (row: Row) => boolean,
  ): boolean {
    const { cube } = this.model;
    if (this.complete) return false;
    const unknown = FACETS.some(
      (facet) => choice[facet] !== undefined && !full.includes(1) && cube[DIMENSIONS[facet]].folded > 0,
    );
    if (unknown || named === undefined) return unknown;
    const [first, last] = this.buckets(choice);
    const open = full.map((chosen, kind) => (chosen === 1 && named[kind] === 0 ? 1 : 0));
    let missing = 0;
    open.forEach((isOpen, kind) => {
      if (isOpen === 0) return;
      eachCell(cube.counts[kind]!, (bucket, count) => {
        if (bucket >= first && bucket <= last) missing += count;
      });
    });
    for (const row of this.rows) if (open[row.kind] === 1 && timely(row)) missing--;
    return missing > 0;
  }

  #groups(counts: Float64Array, mask: Uint8Array): number[] {
    const { kinds, ends } = this.model.cube;
    const sums = OUTCOME_GROUPS.map(() => 0);
    kinds.forEach(([, , , end], kind) => {
      if (mask[kind] === 1 && ends[end]!.operation === 1) sums[groupOf(ends[end]!.outcome)]! += counts[kind]!;
    });
    return sums;
  }

  #masks(choice: Choice): ReadonlyMap<Facet | 'outcome', Uint8Array> {
    const { cube } = this.model;
    const { templates } = this.summarizer;
    const masks = new Map<Facet | 'outcome', Uint8Array>();
    for (const facet of FACETS) {
      const value = choice[facet];
      if (value === undefined) continue;
      const { names } = cube[DIMENSIONS[facet]];
      const is = (place: number) =>
        names[place] === value || (facet === 'target' && templates[place] === value);
      masks.set(
        facet,
        Uint8Array.from(cube.kinds, (kind) => (is(kind[PLACE_IN_KIND[facet]]) ? 1 : 0)),
      );
    }
    const { outcome } = choice;
    if (outcome !== undefined)
      masks.set(
        'outcome',
        Uint8Array.from(cube.kinds, ([, , , end]) =>
          OUTCOME_GROUPS[groupOf(cube.ends[end]!.outcome)]!.key === outcome ? 1 : 0,
        ),
      );
    return masks;
  }

  /** Operations by name of a field and group of outcomes. The field's own choice does not narrow them. */
  byFacet({ counts, mask }: Selection, facet: Facet): number[][] {
    const { cube } = this.model;
    const sums = cube[DIMENSIONS[facet]].names.map(() => OUTCOME_GROUPS.map(() => 0));
    const chosen = mask(facet);
    cube.kinds.forEach((kind, index) => {
      const { outcome, operation } = cube.ends[kind[3]]!;
      if (chosen[index] === 1 && operation === 1)
        sums[kind[PLACE_IN_KIND[facet]]]![groupOf(outcome)]! += counts[index]!;
    });
    return sums;
  }
}

function combine(
  masks: ReadonlyMap<Facet | 'outcome', Uint8Array>,
  kinds: number,
  except?: Facet | 'outcome',
): Uint8Array {
  const result = new Uint8Array(kinds).fill(1);
  for (const [field, mask] of masks)
    if (field !== except) mask.forEach((chosen, kind) => chosen === 0 && (result[kind] = 0));
  return result;
}

/** Outcomes that both profiles of the schema write by the same name. */
const SAME_NAME = new Set<string>(
  OUTCOME_ORDER.filter((name) => name !== 'OUTCOME_PARTIAL' && name !== 'OUTCOME_UNSPECIFIED'),
);

/** For each kind, the texts that every record of it surely holds, in lower case. */
function namesOfKinds({ actors, targets, servers, ends, kinds }: Cube): string[] {
  const texts = (names: readonly string[], exact: number) =>
    names.map((name, place) => {
      if (name === OTHER || name === NO_SERVER) return '';
      return (place < exact ? [name] : literalsOf(name)).join('\n');
    });
  const [who, what, where] = [actors, targets, servers].map(({ names, exact }) => texts(names, exact));
  const how = ends.map(({ outcome, reason }) => {
    const name = OUTCOME_ORDER[outcome]!;
    const [type = '', ...message] = reason.split(': ');
    const why = literalsOf(message.join(': ').replace(/…$/, ''));
    return [SAME_NAME.has(name) ? name : '', type.replace(/…$/, ''), ...why].join('\n');
  });
  return kinds.map(([actor, target, server, end]) =>
    [who![actor], what![target], where![server], how[end]].join('\n').toLowerCase(),
  );
}
