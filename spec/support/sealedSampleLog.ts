import { readFileSync } from 'node:fs';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { sampleLog, type SampleLogOptions } from './sampleLog.js';

/** Writes a made-up log with the real file sink, sealed every 100 records; gives its verifier key. */
export async function writeSealedSampleLog(path: string, options: SampleLogOptions): Promise<string> {
  const integrity = {
    origin: 'audit.example.com/desk',
    key: { generate: `${path}.key` },
    checkpointEvery: 100,
  };
  const sink = new FileSink({ path, integrity, onNotice: () => undefined });
  const records = [...sampleLog(options)];
  for (let at = 0; at < records.length; at += 50) {
    await sink.emit(records.slice(at, at + 50));
    await sink.flush();
  }
  await sink.close();
  return readFileSync(integrityLayout(path).vkey, 'utf8').trim();
}
