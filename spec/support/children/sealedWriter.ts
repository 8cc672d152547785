// Writes records to a sealed log until it is killed: one line on stdout for each that was acknowledged.
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { numbered } from '../drafts.js';

const [path = '', pem = '', fsync = 'batch', maxBytes = '20000'] = process.argv.slice(2);
const sink = new FileSink({
  path,
  fsync: fsync as 'always' | 'batch' | 'never',
  rotate: { maxBytes: Number(maxBytes), compress: true },
  integrity: { origin: 'audit.example.com/agents', key: pem, checkpointEvery: 50 },
});
for (let seq = (sink.lastSeq ?? -1) + 1; ; seq++) {
  const result = await sink.emit([numbered(seq)]);
  if (result.status !== 'delivered') throw result.error;
  process.stdout.write(`${seq}\n`);
  // The event loop has to turn for checkpoints to be made.
  await new Promise((resolve) => setImmediate(resolve));
}
