// For mutation testing only, whose runner sets mocha's own time limit aside: a change that makes a test wait for ever is noticed
// after five seconds, not after the time of all tests, and the process need not be started anew. The tests that run there take a
// second at most; of property tests, which judge most changes, as many runs as fit into a tenth of one.
const { configureGlobal, readConfigureGlobal } = require('fast-check');

configureGlobal({ ...readConfigureGlobal(), interruptAfterTimeLimit: 100, markInterruptAsFailure: false });

exports.mochaHooks = {
  beforeEach() {
    this.currentTest.timeout(5_000);
  },
};
