import { exercise } from './exercise.cjs';
import * as sdk from './sdk.mjs';

const run: (sdk: unknown) => Promise<void> = exercise;
await run(sdk);
