// Property tests take the same values in every run, so that a red check can be run again; `FAST_CHECK_SEED=$RANDOM npm test`
// looks further. What such a run finds becomes a test of its own.
const { configureGlobal } = require('fast-check');

// The error stands in the report, since no other part of it comes here from another process.
configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1), includeErrorInReport: true });
