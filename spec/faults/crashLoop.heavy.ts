import { expect } from 'chai';
import { folders } from '../support/logFolder.js';
import { crashLoop } from './crashLoop.js';

/** Kills in all, over this many logs; more with `CRASH_ROUNDS`. */
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 1_000);
const LOGS = 4;
/** Where the machine is slow, fewer rounds are run, and the line that is printed says how many. */
const MAX_MS = ROUNDS * 300;

describe('the crash loop', function () {
  this.timeout(2 * MAX_MS + 60_000);
  const folder = folders();

  it('loses nothing that was acknowledged, and leaves logs that verify', async () => {
    const limits = { rounds: ROUNDS / LOGS, ms: MAX_MS };
    const seeds = Array.from({ length: LOGS }, (_, index) => index + 1);
    const reports = await Promise.all(seeds.map((seed) => crashLoop(folder(), seed, limits)));
    const sum = (of: 'rounds' | 'acknowledged' | 'records'): number =>
      reports.reduce((total, report) => total + report[of], 0);
    const wrong = reports.flatMap((report) => [...report.lost, ...report.wrong]);
    process.stdout.write(
      `\n  ${sum('rounds')} processes killed: ${sum('acknowledged')} records acknowledged, ` +
        `${sum('records')} in the logs, ${wrong.length} lost or wrong\n`,
    );
    expect(wrong).to.deep.equal([]);
    expect(sum('acknowledged')).to.be.greaterThan(ROUNDS);
  });
});
