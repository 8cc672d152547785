import type { Effort, Figures, Question, Round } from './question.js';
import { spreadOf, type Answer, type Spread } from './answer.js';

const QUICK_ROUNDS = 2;

/** Asks a question: every case once a round, in turn, so that a slow minute of the machine hits all of them. */
export async function ask(question: Question, effort: Effort, note: (text: string) => void): Promise<Answer> {
  const { cases, close } = await question.prepare(effort);
  const rounds = effort.quick ? Math.min(QUICK_ROUNDS, question.rounds) : question.rounds;
  const samples = cases.map((): Figures[] => []);
  try {
    for (let round = 0; round < rounds; round++) {
      note(`${question.name}: round ${round + 1} of ${rounds}`);
      for (const [index, { measure }] of cases.entries()) samples[index]!.push(await measure());
    }
  } finally {
    await close?.();
  }
  const names = cases.map(({ name }) => name);
  return {
    rounds,
    cases: cases.map(({ name, x }, index) => ({
      name,
      ...(x !== undefined && { x }),
      figures: figuresOf(samples[index]!),
    })),
    ratios: question.ratios.map(({ name, of, atMost, atLeast }) => ({
      name,
      value: spreadOf(samples[0]!.map((_, round) => of(viewOf(names, samples, round)))),
      ...(atMost !== undefined && { atMost }),
      ...(atLeast !== undefined && { atLeast }),
    })),
  };
}

function figuresOf(samples: readonly Figures[]): Record<string, Spread> {
  const units = Object.keys(samples[0] ?? {});
  return Object.fromEntries(units.map((unit) => [unit, spreadOf(samples.map((figures) => figures[unit]!))]));
}

function viewOf(names: readonly string[], samples: readonly (readonly Figures[])[], round: number): Round {
  return {
    of: (name, unit) => {
      const figures = samples[names.indexOf(name)]?.[round];
      const value = figures?.[unit ?? Object.keys(figures)[0]!];
      if (value === undefined) throw new Error(`no case '${name}' with a figure '${unit ?? ''}'`);
      return value;
    },
  };
}
