// Asks one question in a process of its own, so that none is measured with what another has left in the heap or taught the
// compiler. Arguments: the question's name, `quick` or `full`. Sends the answer to its parent.
import { questions } from '../questions/index.js';
import { ask } from './rounds.js';

const [name, effort] = process.argv.slice(2);
const question = questions.find((each) => each.name === name);
if (question === undefined) throw new Error(`no question is called ${name}`);
const answer = await ask(question, { quick: effort === 'quick' }, (text) =>
  process.stderr.write(`${text}\n`),
);
process.send?.(answer, () => process.exit());
