import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { encodeLine } from '../../codecs/json.js';
import { toJsonLine } from '../../codecs/line.js';
import type { AuditRecord } from '../../schema/record.js';

/** Never through a symlink; without blocking, lest opening a FIFO wait for a reader. */
const FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** For the owner alone: records may be confidential. */
const MODE = 0o600;

/**
 * Appends records that a receiver refused for good to a file, one JSON line each:
 * `{"dead_letter":{"time":…,"sink":…,"reason":…},"record":{…}}`. Safe on disk when it resolves.
 *
 * @throws Error with the code of the fault when the file cannot be written, or is not a regular file.
 */
export async function appendDeadLetters(
  path: string,
  records: readonly AuditRecord[],
  { sink, reason }: { sink: string; reason: string },
): Promise<void> {
  const note = toJsonLine({ time: new Date().toISOString(), sink, reason });
  const lines = records.map((record) => `{"dead_letter":${note},"record":${encodeLine(record)}}\n`);
  const file = await open(path, FLAGS, MODE);
  try {
    const { mode } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw Object.assign(new Error('not a regular file'), { code: 'ENOTFILE' });
      return stat;
    });
    if ((mode & 0o077) !== 0) await file.chmod(MODE);
    await file.appendFile(lines.join(''));
    await file.datasync();
  } finally {
    await file.close();
  }
}
