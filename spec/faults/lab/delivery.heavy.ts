import { register } from './attack.js';
import { deliveryAttacks } from './attacks/delivery.js';

register('delivery', deliveryAttacks);
