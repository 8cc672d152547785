const { exercise } = require('./exercise.cjs');
const sdk = require('./sdk.cjs');

exercise(sdk);
