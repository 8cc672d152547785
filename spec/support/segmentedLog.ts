import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { FileSink, type FileSinkOptions } from '../../lib/sinks/file/fileSink.js';
import type { FileNotice } from '../../lib/sinks/file/notice.js';
import { sampleRecord } from './sampleRecords.js';

export const ORIGIN = 'audit.example.com/agents';
export const DAY_MS = 86_400_000;

/** Writes a sealed log of 60 records whose segments hold ten each; gives its path and its verifier key. */
export async function writeLog(
  folder: string,
  options: Partial<FileSinkOptions> = {},
  notices: FileNotice[] = [],
) {
  const path = join(folder, 'audit.jsonl');
  const integrity = { origin: ORIGIN, key: { generate: `${path}.key` }, checkpointEvery: 7 };
  const onNotice = (notice: FileNotice) => void notices.push(notice);
  const sink = new FileSink({ path, rotate: { maxBytes: 20_000 }, integrity, onNotice, ...options });
  for (let at = 0; at < 60; at += 5) {
    await sink.emit(Array.from({ length: 5 }, (_, i) => sampleRecord(at + i)));
    await sink.flush();
  }
  return { path, sink, vkey: () => readFileSync(integrityLayout(path).vkey, 'utf8').trim() };
}

/** The same, closed. */
export const written = async (folder: string, options: Partial<FileSinkOptions> = {}) => {
  const { path, sink, vkey } = await writeLog(folder, options);
  await sink.close();
  return { path, vkey: vkey() };
};

/** One record with another duration, and its line as long as before. */
export const tampered = (text: string) =>
  text.replace(/"duration_ms":(\d)/, (_, digit) => `"duration_ms":${(Number(digit) + 1) % 10}`);

/** The names of its finished segments. */
export const partsOf = (path: string) =>
  readdirSync(join(path, '..')).filter((name) => /^audit\.jsonl\.\d{6}(?:\.gz)?$/.test(name));

/** Waits for what happens in the background. */
export async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; !holds(); round++) {
    if (round > 500) throw new Error('it never came to that');
    await sleep(20);
  }
}
