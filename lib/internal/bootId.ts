import { readFileSync } from 'node:fs';

/**
 * The id that the Linux kernel makes up each time a machine starts; empty on other systems. The containers of a machine share it,
 * whatever their host names are; two machines never do.
 */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
