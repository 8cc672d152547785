import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import { readRecords, totalBytes } from '../input/records.js';
import type { CommandIo } from '../shared/command.js';
import { progressBar } from '../term/terminal.js';
import { LogFacts, Store } from './store.js';

/** Reads the records of all logs into a store, for pairing. */
export async function readSides(
  logs: readonly LogInput[],
  { problems, io, label }: { readonly problems: Problems; readonly io: CommandIo; readonly label: string },
): Promise<Store> {
  const store = new Store();
  const progress = progressBar(io, label, totalBytes(logs));
  for (const log of logs) {
    store.logs.push(new LogFacts(log.name));
    await readRecords([log], (record, _data, _start, _end, { line }) => store.add(record, line), {
      problems,
      progress,
    });
  }
  progress.end();
  return store;
}
