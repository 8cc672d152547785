// The dot reporter, and beside it: each test that is skipped by its title, which says why, in a line of its own; each test that
// failed at its first try and passed at its second, which a loaded machine can do to it and a mistake can too; and the
// counts of each run, with what failed, as a line of the file that MOCHA_COUNTS names, which .ci/run adds up and prints last.
const { appendFileSync } = require('node:fs');
const { reporters } = require('mocha');

const firstLine = (error) => String(error?.message).split('\n', 1)[0];

module.exports = class CountingReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    const skipped = new Set();
    const failed = [];
    const again = new Map();
    const pendingSuites = new Set();
    runner.on('suite', (suite) => suite.isPending() && pendingSuites.add(suite.fullTitle()));
    runner.on('pending', (test) => {
      // What another process ran comes as plain data, where a test's suite is known by its title alone.
      const suite = test.parent.fullTitle?.() ?? test.parent.$$fullTitle;
      skipped.add(pendingSuites.has(suite) ? suite : test.fullTitle());
    });
    runner.on('fail', (test, error) => {
      again.delete(test.fullTitle());
      failed.push(`${test.fullTitle()}: ${firstLine(error)}`);
    });
    runner.on('retry', (test, error) => again.set(test.fullTitle(), firstLine(error)));
    runner.once('end', () => {
      for (const title of skipped) process.stdout.write(`  not run: ${title}\n`);
      const retried = [...again].map(([title, why]) => `${title}: ${why}`);
      for (const line of retried) process.stdout.write(`  at the second try: ${line}\n`);
      const { passes, failures, pending } = this.stats;
      const file = process.env.MOCHA_COUNTS;
      if (file !== undefined)
        appendFileSync(file, `${JSON.stringify({ passes, failures, pending, failed, retried })}\n`);
    });
  }
};
