import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { LogInput } from './logs.js';
import { STDIN_NAME } from './logs.js';

/** Runs with a folder of its own (mode 0700), which is gone afterwards. */
export async function withScratchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'otel-mcp-log-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Puts what comes over standard input into a file, for a reader that needs files. */
export async function spoolLogs(logs: readonly LogInput[], folder: string): Promise<string> {
  const path = join(folder, 'stdin.jsonl');
  async function* content() {
    for (const log of logs) for await (const { data } of log.read(STDIN_NAME)) yield Buffer.from(data);
  }
  await pipeline(content, createWriteStream(path, { mode: 0o600 }));
  return path;
}
