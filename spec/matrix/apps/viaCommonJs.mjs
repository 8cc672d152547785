import { exercise } from './exercise.cjs';
import sdk from 'commonjs-dependency';

await exercise(sdk);
