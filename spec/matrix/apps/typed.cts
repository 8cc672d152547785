import { exercise } from './exercise.cjs';
import * as sdk from './sdk.cjs';

const run: (sdk: unknown) => Promise<void> = exercise;
void run(sdk);
