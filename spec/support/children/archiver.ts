import { archiveLog } from '../../../lib/archive/archiver.js';
import { resolveArchive, whileAlone } from '../../../lib/sinks/file/keeping.js';

/** Archives a log, for a test that kills it: says when it begins, and how much an earlier run had brought there. */
const [, , log = '', to = ''] = process.argv;
process.send?.('begun');
const target = resolveArchive({ to, lock: 'compliance', lockDays: 30, partBytes: 5_242_880 });
await whileAlone(log, () =>
  archiveLog(log, target, {
    env: process.env,
    onArchived: ({ resumed }) => void process.stdout.write(`resumed ${resumed}\n`),
  }),
);
process.disconnect?.();
