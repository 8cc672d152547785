// What the lab's scripts share. They are programs of a user's: what they import is the package as it is installed.
import { readFileSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';

export const plan = JSON.parse(process.argv[2]);

/** Says something to whoever started this process, at once: the next moment may be its last. */
export const say = (what) => void writeSync(1, `${JSON.stringify(what)}\n`);

/** An error as a program prints it, with all that lies behind it. */
export const text = (error) => `${String(error)} ${inspect(error, { depth: 9 })} ${error?.stack ?? ''}`;

/** What an `onError` of ours says. */
export const alarm = (error, { lost, records = [] }) =>
  say({ alarm: { code: error.code, text: text(error), lost, of: records.map(({ resource }) => resource) } });

/** Makes something that may refuse its options; says so, and gives nothing. */
export function attempt(make) {
  try {
    return make();
  } catch (error) {
    say({ thrown: { name: error.name, code: error.code, text: text(error) } });
    return undefined;
  }
}

/**
 * The most memory this process ever had, in KB. Not what `resourceUsage` tells: Linux counts what the parent had when
 * it started this process, too, and the parent here is mocha, with all that it has read by then.
 */
export const peakKb = () => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
