import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after } from 'mocha';
import { canUnshare } from '../../support/namespaces.js';
import { Project } from './project.js';
import { Scene } from './scene.js';

/** What was found wrong in one try; nothing, where the log held. */
export interface Findings {
  /** Records whose caller was told that all is well, and which are not in the log; or, where nobody waits, not told of. */
  readonly lost?: readonly string[];
  /** Records that say what did not happen, or say it twice. */
  readonly untrue?: readonly string[];
  /** Anything else that should not be. */
  readonly broken?: readonly string[];
}

/** One try: it does its worst, and says what it found. */
export type Try = (scene: Scene) => Promise<Findings>;

/** What a machine may lack. */
type Need = 'strace' | 'faketime' | 'mount' | 'namespaces' | 'root';

/** A numbered item, and the ways in which it is tried. */
export interface Attack {
  readonly item: number;
  readonly title: string;
  readonly needs?: Need;
  readonly tries: Readonly<Record<string, Try>>;
}

interface Row {
  readonly item: number;
  readonly titles: string[];
  tried: number;
  held: number;
  lost: number;
  untrue: number;
  readonly missing: Need[];
}

/** Tries at once: children are mostly waiting for their own start. */
const AT_ONCE = 3;

const rows = new Map<number, Row>();

/** Makes tests of a section's attacks; the table that mocha's end prints has a row for each. */
export function register(section: string, attacks: readonly Attack[]): void {
  describe(`the fault lab: ${section}`, function () {
    this.timeout(240_000);
    let project: Project;
    before(() => void (project = new Project()));
    after(() => project.remove());
    for (const attack of attacks) {
      const { item, title, needs } = attack;
      const row = rowOf(item, title);
      const name = `attack ${item}: ${title}`;
      if (needs !== undefined && !available(needs)) {
        row.missing.push(needs);
        it.skip(`${name} (skipped: there is no ${needs} here)`);
        continue;
      }
      it(name, async () => {
        const wrong = await tryAll(attack, project, row);
        expect(wrong).to.deep.equal([]);
      });
    }
  });
}

/** Runs every try of an attack; gives back, in words, all that was found. */
export async function tryAll(attack: Attack, project: Project, row = newRow(attack.item)): Promise<string[]> {
  const waiting = Object.entries(attack.tries);
  const wrong: string[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, attempt] = next;
      const { lost = [], untrue = [], broken = [] } = await tryOne(attempt, project);
      row.tried++;
      row.lost += lost.length;
      row.untrue += untrue.length;
      if (lost.length + untrue.length + broken.length === 0) row.held++;
      for (const [kind, found] of Object.entries({ lost, untrue, broken }))
        for (const what of found) wrong.push(`${name}: ${kind}: ${what}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return wrong;
}

async function tryOne(attempt: Try, project: Project): Promise<Findings> {
  const scene = new Scene(project);
  try {
    return await attempt(scene);
  } catch (error) {
    return { broken: [`the try itself failed: ${error instanceof Error ? error.message : String(error)}`] };
  } finally {
    await scene.close();
  }
}

/** Adds up what several looks have found. */
export function together(...found: readonly Findings[]): Findings {
  const all = (kind: keyof Findings) => found.flatMap((each) => each[kind] ?? []);
  return { lost: all('lost'), untrue: all('untrue'), broken: all('broken') };
}

/** What is not as it should be, in words. */
export function broken(...checks: readonly (readonly [holds: boolean, otherwise: string])[]): Findings {
  return { broken: checks.filter(([holds]) => !holds).map(([, otherwise]) => otherwise) };
}

/** Where libfaketime lies, which its package puts beside the machine's own libraries. */
export function faketimeLibrary(): string | undefined {
  if (!existsSync('/usr/lib')) return undefined;
  const places = readdirSync('/usr/lib').map((name) =>
    join('/usr/lib', name, 'faketime', 'libfaketime.so.1'),
  );
  return [...places, '/usr/lib/faketime/libfaketime.so.1'].find((path) => existsSync(path));
}

const CHECKS: Readonly<Record<Need, () => boolean>> = {
  strace: () => spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0,
  faketime: () => faketimeLibrary() !== undefined,
  mount: () => {
    const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-mount-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0;
    if (mounted) spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true });
    return mounted;
  },
  namespaces: () => canUnshare,
  root: () => process.getuid?.() === 0,
};
const known = new Map<Need, boolean>();

function available(need: Need): boolean {
  if (!known.has(need)) known.set(need, CHECKS[need]());
  return known.get(need) === true;
}

function newRow(item: number): Row {
  return { item, titles: [], tried: 0, held: 0, lost: 0, untrue: 0, missing: [] };
}

function rowOf(item: number, title: string): Row {
  const row = rows.get(item) ?? newRow(item);
  row.titles.push(title);
  rows.set(item, row);
  return row;
}

function table(): string {
  const cells = (...words: (string | number)[]) => words.map((word) => String(word).padStart(6)).join(' ');
  const sorted = [...rows.values()].sort((a, b) => a.item - b.item);
  const sum = (of: 'tried' | 'held' | 'lost' | 'untrue') => sorted.reduce((total, row) => total + row[of], 0);
  return [
    `${cells('item', 'tried', 'held', 'lost', 'false')}  attack`,
    ...sorted.map(({ item, tried, held, lost, untrue, titles, missing }) => {
      const not = missing.length === 0 ? '' : ` (not all: no ${missing.join(', ')})`;
      return `${cells(item, tried, held, lost, untrue)}  ${titles.join('; ')}${not}`;
    }),
    cells('all', sum('tried'), sum('held'), sum('lost'), sum('untrue')),
  ].join('\n');
}

// Of the root suite, so that it runs once, after the last section, whatever failed.
after(() => void process.stdout.write(`\n\n${table()}\n`));
