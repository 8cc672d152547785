import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord } from '../../lib/schema/record.js';

/** A folder per call that is gone after the test. */
export function folders(parent = tmpdir()): () => string {
  const made: string[] = [];
  afterEach(() => {
    for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(parent, 'otel-mcp-log-'));
    made.push(folder);
    return folder;
  };
}

/** Every record of a log; throws when a line is none. */
export function recordsIn(path: string): AuditRecord[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the last line has no end');
  return lines.map((line) => decodeLine(line));
}

/** The places that the records of a log hold. */
export function seqsIn(path: string): number[] {
  return recordsIn(path).map((record) => record.seq);
}
