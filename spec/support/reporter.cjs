// The dot reporter, and beside it: each test that is skipped by its title, which says why, in a line of its own; and the
// counts of each run as a line of the file that MOCHA_COUNTS names, which .ci/run adds up.
const { appendFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    const skipped = new Set();
    runner.on('pending', (test) => skipped.add((test.parent.isPending() ? test.parent : test).fullTitle()));
    runner.once('end', () => {
      for (const title of skipped) process.stdout.write(`  not run: ${title}\n`);
      const { passes, failures, pending } = this.stats;
      const file = process.env.MOCHA_COUNTS;
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ passes, failures, pending })}\n`);
    });
  }
};
