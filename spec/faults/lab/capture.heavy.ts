import { register } from './attack.js';
import { captureAttacks } from './attacks/capture.js';

register('capture', captureAttacks);
