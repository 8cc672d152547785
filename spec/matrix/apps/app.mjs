import { exercise } from './exercise.cjs';
import * as sdk from './sdk.mjs';

await exercise(sdk);
