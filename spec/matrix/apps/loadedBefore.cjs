const { exercise } = require('./exercise.cjs');
const sdk = require('./sdk.cjs');
require('./setup.cjs');

exercise(sdk);
