import nestedSdk from 'dependent';
import { exercise } from './exercise.cjs';
import * as sdk from './sdk.mjs';

if (nestedSdk.Client === sdk.Client) throw new Error('expected two copies of the SDK');
await exercise(sdk);
await exercise(nestedSdk);
