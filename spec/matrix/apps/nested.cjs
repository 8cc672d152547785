const { exercise } = require('./exercise.cjs');
const sdk = require('./sdk.cjs');
const nestedSdk = require('dependent');

if (nestedSdk.Client === sdk.Client) throw new Error('expected two copies of the SDK');
exercise(sdk).then(() => exercise(nestedSdk));
