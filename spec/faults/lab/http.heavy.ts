import { register } from './attack.js';
import { httpAttacks } from './attacks/http.js';
import { receiverAttacks } from './attacks/receivers.js';

register('HTTP', [...httpAttacks, ...receiverAttacks]);
