import { expect } from 'chai';
import type { Answer } from '../../benchmarks/harness/answer.js';
import { isMet, spreadOf } from '../../benchmarks/harness/answer.js';
import { moved, tellMoves } from '../../benchmarks/harness/check.js';
import { plot } from '../../benchmarks/harness/plot.js';
import type { Question } from '../../benchmarks/harness/question.js';
import { withTables } from '../../benchmarks/harness/readme.js';
import { mergeResults, readResults, type Dated } from '../../benchmarks/harness/results.js';
import { ask } from '../../benchmarks/harness/rounds.js';
import { tablesOf } from '../../benchmarks/harness/tables.js';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/temporaryFolder.js';

const environment = { node: 'v20.0.0', system: 'linux', cores: 2, cpu: 'a processor', memory: 8 };

/** An answer with one ratio. */
function answer(value: readonly [number, number, number], microseconds = 10): Dated {
  return {
    environment,
    rounds: 3,
    cases: [{ name: 'ours', figures: { µs: [microseconds, microseconds, microseconds] } }],
    ratios: [{ name: 'to theirs', value }],
  };
}

describe('the benchmark harness', () => {
  it('measures the cases in turn, and takes ratios within each round', async () => {
    const log: string[] = [];
    let closed = 0;
    const scripted = (name: string, figures: number[]) => ({
      name,
      measure: () => {
        log.push(name);
        return { µs: figures.shift()! };
      },
    });
    const question: Question = {
      name: 'scripted',
      asks: 'what?',
      rounds: 3,
      quick: true,
      ratios: [{ name: 'b to a', of: (round) => round.of('b') / round.of('a'), atMost: 2 }],
      prepare: () => ({
        cases: [scripted('a', [1, 2, 4]), scripted('b', [2, 6, 4])],
        close: () => closed++,
      }),
    };
    const { rounds, cases, ratios } = await ask(question, { quick: false }, () => undefined);
    expect(log).to.deep.equal(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(rounds).to.equal(3);
    expect(cases[1]).to.deep.equal({ name: 'b', figures: { µs: [4, 2, 6] } });
    expect(ratios).to.deep.equal([{ name: 'b to a', value: [2, 1, 3], atMost: 2 }]);
    expect(closed).to.equal(1);
  });

  it('says which case a ratio asks for in vain', async () => {
    const question: Question = {
      name: 'wrong',
      asks: 'what?',
      rounds: 1,
      quick: true,
      ratios: [{ name: 'r', of: (round) => round.of('nobody') }],
      prepare: () => ({ cases: [{ name: 'a', measure: () => ({ µs: 1 }) }] }),
    };
    const error = await ask(question, { quick: true }, () => undefined).catch((thrown: unknown) => thrown);
    expect(String(error)).to.contain("no case 'nobody'");
  });

  it('gives the median with the least and the most', () => {
    expect(spreadOf([5, 1, 3])).to.deep.equal([3, 1, 5]);
    expect(spreadOf([4, 2])).to.deep.equal([2, 2, 4]);
  });

  it('judges an aim by the median', () => {
    expect(isMet({ name: 'r', value: [2, 1, 9], atMost: 2 })).to.equal(true);
    expect(isMet({ name: 'r', value: [2.1, 1, 9], atMost: 2 })).to.equal(false);
    expect(isMet({ name: 'r', value: [2, 1, 9], atLeast: 2.1 })).to.equal(false);
    expect(isMet({ name: 'r', value: [2, 1, 9] })).to.equal(undefined);
  });
});

describe('the check of benchmark results', () => {
  const before = { q: answer([1, 0.9, 1.1]) };

  it('says what has moved, and by how much', () => {
    const moves = moved(before, { q: answer([1.5, 1.4, 1.6]) });
    expect(moves).to.deep.equal([{ question: 'q', ratio: 'to theirs', before: 1, now: 1.5 }]);
    expect(tellMoves(moves)).to.equal('q: to theirs moved from 1 to 1.5 (+50 %)');
  });

  it('takes a change for noise that is small, or whose rounds overlap', () => {
    expect(moved(before, { q: answer([1.14, 1.12, 1.16]) })).to.deep.equal([]);
    expect(moved(before, { q: answer([1.5, 1.05, 1.6]) })).to.deep.equal([]);
    expect(tellMoves([])).to.equal('No ratio has moved.');
  });

  it('looks at no absolute figure', () => {
    expect(moved(before, { q: answer([1, 0.9, 1.1], 500) })).to.deep.equal([]);
  });

  it('passes over what was not measured before', () => {
    expect(moved({}, { q: answer([3, 3, 3]) })).to.deep.equal([]);
  });
});

describe('what benchmarks write', () => {
  const folder = temporaryFolder();

  it('keeps the answers to other questions', () => {
    const file = join(folder.path, 'results.json');
    mergeResults({ one: answer([1, 1, 1]) }, file);
    mergeResults({ two: answer([2, 2, 2]) }, file);
    expect(Object.keys(readResults(file))).to.deep.equal(['one', 'two']);
  });

  it('refuses results that are none', () => {
    const file = join(folder.path, 'none.json');
    writeFileSync(file, '{ "one": { "rounds": "three" } }');
    expect(() => readResults(file)).to.throw('holds no results');
  });

  it('puts tables between their marks, and leaves the rest of the page', () => {
    const page = 'Before.\n<!-- bench: one -->\nold\n<!-- /bench -->\nAfter.';
    const text = withTables(page, { one: answer([0.5, 0.4, 0.6]) });
    expect(text)
      .to.match(/^Before\.\n<!-- bench: one -->\n/)
      .and.to.match(/\n<!-- \/bench -->\nAfter\.$/);
    expect(text).to.contain('| ours |').and.to.contain('0.4–0.6').and.not.to.contain('old');
    expect(text).to.contain('Node 20.0.0, 2 cores of a processor');
  });

  it('says whether an aim is met', () => {
    const ratios = [
      { name: 'fast', value: [1, 1, 1], atMost: 2 },
      { name: 'slow', value: [3, 3, 3], atMost: 2 },
    ] as const;
    const text = tablesOf({ ...answer([1, 1, 1]), ratios });
    expect(text).to.match(/fast .*at most 2: met/);
    expect(text).to.match(/slow .*at most 2: \*\*missed\*\*/);
  });

  it('draws what grows in proportion as a straight line', () => {
    const cases = [1, 10, 100].map((x) => ({
      name: String(x),
      x,
      figures: { µs: [3 * x, 3 * x, 3 * x] as const },
    }));
    const svg = plot('What?', 'bytes', { rounds: 1, cases, ratios: [] } satisfies Answer);
    const points = /<polyline points="([^"]+)"/
      .exec(svg)?.[1]
      ?.split(' ')
      .map((point) => point.split(',').map(Number));
    const slope = ([x1 = 0, y1 = 0]: number[], [x2 = 0, y2 = 0]: number[]) => (y2 - y1) / (x2 - x1);
    expect(points).to.have.length(3);
    expect(slope(points![0]!, points![1]!)).to.be.closeTo(slope(points![1]!, points![2]!), 0.01).and.below(0);
  });
});

describe('the page of benchmarks', () => {
  it('shows the results that are committed', () => {
    const page = readFileSync('benchmarks/README.md', 'utf8');
    expect(withTables(page, readResults())).to.equal(page);
  });

  it('shows every plot that was drawn, and no other', () => {
    const page = readFileSync('benchmarks/README.md', 'utf8');
    const shown = [...page.matchAll(/\]\(plots\/([^)]+)\)/g)].map(([, name]) => name!);
    expect(shown.sort()).to.deep.equal(readdirSync('benchmarks/plots').sort());
  });
});
