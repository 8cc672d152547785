import type { Cube } from '../../lib/cli/report/model.js';
import { OUTCOME_GROUPS, type Choice, type Facet } from './state.js';

const GROUP_OF_OUTCOME = OUTCOME_GROUPS.reduce<number[]>((groups, { outcomes }, group) => {
  for (const outcome of outcomes) groups[outcome] = group;
  return groups;
}, []);

/** The group that an outcome belongs to. */
export function groupOf(outcome: number): number {
  return GROUP_OF_OUTCOME[outcome] ?? 1;
}

/** Calls back for every cell that the choice lets through; the choice of one field may be left out of account. */
function eachCell(
  cube: Cube,
  choice: Choice,
  except: Facet | 'time' | undefined,
  visit: (cell: number, count: number) => void,
): void {
  const { actor, target, server, outcome, from = -Infinity, to = Infinity } = choice;
  for (let cell = 0; cell < cube.count.length; cell++) {
    if (except !== 'actor' && actor !== undefined && cube.actor[cell] !== actor) continue;
    if (except !== 'target' && target !== undefined && cube.target[cell] !== target) continue;
    if (except !== 'server' && server !== undefined && cube.server[cell] !== server) continue;
    if (outcome !== undefined && groupOf(cube.outcome[cell]!) !== outcome) continue;
    if (except !== 'time' && (cube.time[cell]! < from || cube.time[cell]! > to)) continue;
    visit(cell, cube.count[cell]!);
  }
}

/** Operations by bucket, for each group of outcomes. */
export function overTime(cube: Cube, choice: Choice, buckets: number): number[][] {
  const series = OUTCOME_GROUPS.map(() => new Array<number>(buckets).fill(0));
  eachCell(cube, choice, 'time', (cell, count) => {
    series[groupOf(cube.outcome[cell]!)]![cube.time[cell]!]! += count;
  });
  return series;
}

/** For each name of a field: operations by group of outcomes. The field's own choice does not narrow it. */
export function byFacet(cube: Cube, choice: Choice, facet: Facet, names: number): number[][] {
  const rows = Array.from({ length: names }, () => OUTCOME_GROUPS.map(() => 0));
  eachCell(cube, choice, facet, (cell, count) => {
    rows[cube[facet][cell]!]![groupOf(cube.outcome[cell]!)]! += count;
  });
  return rows;
}

/** All operations that the choice lets through, by group of outcomes. */
export function totals(cube: Cube, choice: Choice): number[] {
  const sums = OUTCOME_GROUPS.map(() => 0);
  eachCell(cube, choice, undefined, (cell, count) => {
    sums[groupOf(cube.outcome[cell]!)]! += count;
  });
  return sums;
}
