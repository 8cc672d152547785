import { register } from './attack.js';
import { secretAttacks } from './attacks/secrets.js';
import { valueAttacks } from './attacks/values.js';

register('values', [...valueAttacks, ...secretAttacks]);
