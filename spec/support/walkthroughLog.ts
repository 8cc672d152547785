import { mkdirSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPublicKey } from 'node:crypto';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { formatVkey } from '../../lib/integrity/tlog/note.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { numbered } from './drafts.js';
import { ORIGIN } from './sealedLog.js';

/** What stands before the 32 bytes of an Ed25519 private key in PKCS#8 (RFC 8410 section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key that is the same every time, so that documents can show what it signs. */
function fixedKey(): string {
  const der = Buffer.concat([PKCS8_ED25519, Buffer.alloc(32, 7)]);
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

/**
 * The scene of the walkthrough in docs/integrity.md: a log of 100 records in two files, and in `auditor/` what an auditor
 * has kept elsewhere. The same bytes every time.
 */
export async function makeWalkthrough(folder: string): Promise<void> {
  const path = join(folder, 'audit.jsonl');
  const auditor = join(folder, 'auditor');
  const pem = fixedKey();
  mkdirSync(auditor);
  writeFileSync(join(auditor, 'audit.vkey'), `${formatVkey(ORIGIN, createPublicKey(pem))}\n`);
  let seq = 0;
  for (const part of [60, 40]) {
    const sink = new FileSink({
      path,
      rotate: { maxBytes: 40_000 },
      integrity: { origin: ORIGIN, key: { pem }, anchor: join(auditor, 'checkpoints') },
    });
    for (const end = seq + part; seq < end; seq++) {
      const id = `01970000-0000-7000-8000-${String(seq).padStart(12, '0')}`;
      await sink.emit([numbered(seq, { record_id: id, time: '2026-01-31T12:00:00.000Z' })]);
    }
    await sink.close();
    if (part === 60) copyFileSync(integrityLayout(path).checkpoint, join(auditor, 'january'));
  }
}
