import { once } from 'node:events';
import { createWriteStream, writeFileSync } from 'node:fs';
import { encodeLine } from '../../lib/codecs/json.js';
import { sampleLog, type SampleLogOptions } from './sampleLog.js';

/** The text of a log. */
export function sampleLogText(options: SampleLogOptions): string {
  const lines: string[] = [];
  for (const record of sampleLog(options)) lines.push(`${encodeLine(record)}\n`);
  return lines.join('');
}

/** Writes a small log to a file. */
export function writeSampleLog(path: string, options: SampleLogOptions): void {
  writeFileSync(path, sampleLogText(options));
}

/** Writes a log of any size to a file. */
export async function streamSampleLog(path: string, options: SampleLogOptions): Promise<void> {
  const file = createWriteStream(path);
  let batch = '';
  for (const record of sampleLog(options)) {
    batch += `${encodeLine(record)}\n`;
    if (batch.length < 1 << 20) continue;
    if (!file.write(batch)) await once(file, 'drain');
    batch = '';
  }
  file.end(batch);
  await once(file, 'close');
}
