import type { Question } from '../harness/question.js';
import { installed } from '../tools/node.js';
import {
  BLOCKING,
  BLOCKING_TO_BATCH,
  cases,
  floors,
  HOME_MADE,
  IN_MEMORY,
  MEMORY_V1,
  ON_THE_WIRE,
  PARTS,
  shares,
  toPeer,
  WHOLE,
  WHOLE_TO_HOME_MADE,
  WHOLE_TO_PEER,
  type Setting,
} from './calls.js';

const WITH_EACH_NODE = [
  ...['bare', 'peer', HOME_MADE, 'spans only', 'records in a file, batch'],
  ...[WHOLE, BLOCKING],
];

/** The calls of `perCall.ts`, with another Node, which is installed for it. */
function inMemory(version: string): Question {
  return {
    name: `per-call-node-${version}`,
    asks: `What does auditing add to a callTool with Node ${version}?`,
    rounds: 5,
    quick: false,
    ratios: [toPeer('spans only'), WHOLE_TO_PEER, WHOLE_TO_HOME_MADE, BLOCKING_TO_BATCH, ...PARTS],
    prepare: (effort) => {
      const { binary, remove } = installed(version);
      return {
        cases: [...cases(MEMORY_V1, WITH_EACH_NODE, effort, binary), ...floors(binary)],
        close: remove,
      };
    },
  };
}

/** Version 2 of the SDK, and both versions with a server in another process, each beside its bare client. */
const OTHERS: readonly Setting[] = [
  { line: 'v2', transport: 'memory', sizes: IN_MEMORY },
  { line: 'v1', transport: 'stdio', sizes: ON_THE_WIRE.stdio },
  { line: 'v2', transport: 'stdio', sizes: ON_THE_WIRE.stdio },
  { line: 'v1', transport: 'http', sizes: ON_THE_WIRE.http },
  { line: 'v2', transport: 'http', sizes: ON_THE_WIRE.http },
];
const titleOf = ({ line, transport }: Setting) => `${line}, ${transport}`;

function others(version: string): Question {
  return {
    name: `per-call-others-node-${version}`,
    asks: `What does auditing add to the other calls with Node ${version}?`,
    rounds: 3,
    quick: false,
    ratios: OTHERS.flatMap((setting) => shares(setting.transport, `${titleOf(setting)}: `)),
    prepare: (effort) => {
      const { binary, remove } = installed(version);
      const all = OTHERS.flatMap((setting) =>
        cases(setting, ['bare', WHOLE], effort, binary, `${titleOf(setting)}: `),
      );
      return { cases: all, close: remove };
    },
  };
}

export const perCallWithNode: readonly Question[] = ['22', '24'].flatMap((version) => [
  inMemory(version),
  others(version),
]);
