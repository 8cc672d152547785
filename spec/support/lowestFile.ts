import { closeSync, openSync } from 'node:fs';

/** The number that the next file to be opened would get, which is the lowest that is free: it rises if a file stays open. */
export function lowestFile(folder: string): number {
  const file = openSync(folder, 'r');
  closeSync(file);
  return file;
}
