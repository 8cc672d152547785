import type { Question } from '../harness/question.js';
import { cases, ON_THE_WIRE, shares, WHOLE, WHOLE_TO_PEER } from './calls.js';

/** Calls to a server in another process: one that does nothing but answer. */
function onTheWire(line: 'v1' | 'v2', transport: 'stdio' | 'http', title: string): Question {
  return {
    name: `per-call-${line}-${transport}`,
    asks: `What share of a callTool over ${title} is auditing, SDK ${line}?`,
    rounds: 5,
    quick: false,
    ratios: [...(line === 'v1' ? [WHOLE_TO_PEER] : []), ...shares(transport)],
    prepare: (effort) => ({
      cases: cases(
        { line, transport, sizes: ON_THE_WIRE[transport] },
        ['bare', ...(line === 'v1' ? ['peer'] : []), WHOLE],
        effort,
      ),
    }),
  };
}

export const perCallOnTheWire: readonly Question[] = [
  onTheWire('v1', 'stdio', 'stdio'),
  onTheWire('v1', 'http', 'streamable HTTP'),
  onTheWire('v2', 'stdio', 'stdio'),
  onTheWire('v2', 'http', 'streamable HTTP'),
];
