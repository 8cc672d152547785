// For mutation testing only, whose runner sets mocha's own time limit aside: a change that makes a test wait for ever is noticed
// after five seconds, not after the time of all tests, and the process need not be started anew. The tests that run there take a
// second at most.
exports.mochaHooks = {
  beforeEach() {
    this.currentTest.timeout(5_000);
  },
};
