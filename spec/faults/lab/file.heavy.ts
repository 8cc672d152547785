import { register } from './attack.js';
import { fileAttacks } from './attacks/files.js';
import { kernelAttacks } from './attacks/kernel.js';

register('the file', [...fileAttacks, ...kernelAttacks]);
