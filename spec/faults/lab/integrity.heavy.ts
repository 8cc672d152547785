import { register } from './attack.js';
import { integrityAttacks } from './attacks/integrity.js';

register('integrity', integrityAttacks);
