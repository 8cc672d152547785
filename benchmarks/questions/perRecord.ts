import type { Figures, Question } from '../harness/question.js';
import { runChild } from '../tools/measure.js';
import { node } from '../tools/node.js';

const FLOOR = 'floor: JSON.stringify and one SHA-256';
const BUFFER = 'from onEnd to the write buffer, hashed';
const FILE = 'from onEnd to a sealed file, written';
const CASES = { [FLOOR]: 'floor', [BUFFER]: 'buffer', [FILE]: 'file' };

export const perRecord: Question = {
  name: 'per-record',
  asks: 'What does a record cost from onEnd to its bytes in the write buffer, beside the least that it can cost?',
  rounds: 9,
  quick: true,
  ratios: [
    {
      name: `${BUFFER}, to the floor`,
      of: (round) => round.of(BUFFER) / round.of(FLOOR),
      atMost: 2,
    },
    {
      name: `${FILE}, to the floor`,
      of: (round) => round.of(FILE) / round.of(FLOOR),
    },
  ],
  prepare: ({ quick }) => ({
    cases: Object.entries(CASES).map(([name, child]) => ({
      name,
      measure: () => runChild('record.ts', [child, quick ? 200 : 800], node()) as Figures,
    })),
  }),
};
