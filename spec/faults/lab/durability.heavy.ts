import { register } from './attack.js';
import { durabilityAttacks } from './attacks/durability.js';

register('durability', durabilityAttacks);
