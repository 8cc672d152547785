import { createHash } from 'node:crypto';
import type { Hash } from '../../lib/integrity/tlog/merkle.js';

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 6962 section 2.1, as its text has it: recursive, slow, and written without a look at the code under test. */
export function referenceRoot(lines: readonly Uint8Array[]): Buffer {
  const [first] = lines;
  if (first === undefined) return sha256();
  if (lines.length === 1) return sha256(Buffer.of(0), first);
  let k = 1;
  while (k * 2 < lines.length) k *= 2;
  return sha256(Buffer.of(1), referenceRoot(lines.slice(0, k)), referenceRoot(lines.slice(k)));
}

/** A hash as tests write it. */
export function hex(hash: Hash): string {
  return Buffer.from(hash, 'latin1').toString('hex');
}

/** Lines that differ from each other. */
export function numberedLines(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => Buffer.from(`{"seq":${index}}`));
}
