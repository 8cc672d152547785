import Mocha from 'mocha';
import { randomNumbers } from './randomNumbers.js';

/** The largest seed that {@link randomNumbers} tells from others. */
const SEEDS = 2 ** 32;

/** The order of these files for one seed: Fisher and Yates, in the form of Knuth's algorithm P. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomNumbers(seed);
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    [order[last], order[chosen]] = [order[chosen]!, order[last]!];
  }
  return order;
}

/**
 * The seed that a variable asks for: a number, or `random`, which takes another one each time.
 *
 * @throws RangeError for anything else.
 */
export function seedFrom(value: string): number {
  if (value === 'random') return Math.floor(Math.random() * SEEDS);
  const seed = Number(value);
  if (/^\d+$/.test(value) && seed < SEEDS) return seed;
  throw new RangeError(`MOCHA_SHUFFLE: expected 'random' or a whole number below ${SEEDS}, got '${value}'`);
}

/**
 * Has mocha load and run its files in the order of a seed, which is printed, so that a red run can be had again. Files that run
 * side by side begin in that order; each worker process loads this module too, and gets one file at a time.
 */
function shuffleFiles(seed: number): void {
  const { loadFilesAsync, run } = Mocha.prototype;
  const shuffle = (mocha: Mocha): void => {
    if (mocha.files.length < 2) return;
    // Files that are named on the command line come in the order of their names otherwise, whatever the order there.
    mocha.files = shuffled([...mocha.files].sort(), seed);
    process.stdout.write(`\n  spec files in the order of MOCHA_SHUFFLE=${seed}\n`);
  };
  Mocha.prototype.loadFilesAsync = function (...args) {
    shuffle(this);
    return loadFilesAsync.apply(this, args);
  };
  Mocha.prototype.run = function (...args) {
    if (this.options.parallel === true) shuffle(this);
    return run.apply(this, args);
  };
}

const asked = process.env['MOCHA_SHUFFLE'];
if (asked !== undefined && asked !== '') shuffleFiles(seedFrom(asked));
