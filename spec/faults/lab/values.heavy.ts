import { register } from './attack.js';
import { valueAttacks } from './attacks/values.js';

register('values', valueAttacks);
