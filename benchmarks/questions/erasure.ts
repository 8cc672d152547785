import type { Figures, Question } from '../harness/question.js';
import { runChild } from '../tools/measure.js';
import { node } from '../tools/node.js';

const PLAIN = 'values in the clear';
const ENCRYPTED = 'values encrypted';
const FLOOR = 'AES-GCM of the same values alone';
const CASES = { [PLAIN]: 'buffer', [ENCRYPTED]: 'encrypted', [FLOOR]: 'gcm' };

/** From onEnd to the write buffer, with everything that redaction leaves on record, and with what concerns a person encrypted. */
export const erasure: Question = {
  name: 'erasure',
  asks: 'What does it add to a record to encrypt its personal values?',
  rounds: 9,
  quick: true,
  ratios: [
    { name: `${ENCRYPTED}, to ${PLAIN}`, of: (round) => round.of(ENCRYPTED) / round.of(PLAIN) },
    {
      name: `what encryption adds, to ${FLOOR}`,
      of: (round) => (round.of(ENCRYPTED) - round.of(PLAIN)) / round.of(FLOOR),
    },
  ],
  prepare: ({ quick }) => ({
    cases: Object.entries(CASES).map(([name, child]) => ({
      name,
      measure: () => runChild('record.ts', [child, quick ? 200 : 800], node()) as Figures,
    })),
  }),
};
