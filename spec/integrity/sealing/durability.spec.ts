import { expect } from 'chai';
import fs, { existsSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { formatTreeHead } from '../../../lib/integrity/tlog/checkpoint.js';
import { Evidence } from '../../../lib/integrity/sealing/evidence.js';
import { EMPTY_ROOT, CompactRange } from '../../../lib/integrity/tlog/merkle.js';
import { generateKeyFile } from '../../../lib/integrity/sealing/keys.js';
import {
  integrityLayout,
  EMPTY_SEGMENT_LIST,
  appendToFile,
  makeFolder,
  replaceFile,
  stateOf,
} from '../../../lib/integrity/storage/files.js';
import { LeafFile, readLeaves } from '../../../lib/integrity/storage/leafFile.js';
import { formatNote } from '../../../lib/integrity/tlog/note.js';
import { startsLine } from '../../../lib/integrity/sealing/restore.js';
import { readSegments } from '../../../lib/integrity/storage/segments.js';
import { settle } from '../../support/heldTimers.js';
import { lowestFile } from '../../support/lowestFile.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: what a power cut may not take', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  /** What was brought to the disk: a folder, or a file and whether it had its name already. */
  let synced: string[];
  let restore: () => void;
  const path = (name: string) => join(folder.path, name);

  beforeEach(async () => {
    folder = temporaryFolder();
    synced = [];
    const handle = await open(folder.path, 'r');
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const { sync, datasync } = prototype;
    const noting = (original: () => Promise<void>) =>
      async function (this: FileHandle) {
        const named = existsSync(path('file')) ? 'named' : 'unnamed';
        synced.push((await this.stat()).isDirectory() ? 'folder' : `${named} file`);
        return original.call(this);
      };
    Object.assign(prototype, { sync: noting(sync), datasync: noting(datasync) });
    restore = () => void Object.assign(prototype, { sync, datasync });
  });
  afterEach(() => {
    restore();
    folder.remove();
  });

  it('is a file that replaces another: first what it holds, then its name', async () => {
    await replaceFile(path('file'), 'content');
    expect(synced).to.deep.equal(['unnamed file', 'folder']);
    await replaceFile(path('file'), 'content', false);
    expect(synced, 'where it can be made again').to.have.length(2);
  });

  it('is what was added to a file', async () => {
    await appendToFile(path('file'), 'content');
    expect(synced).to.deep.equal(['named file']);
    await appendToFile(path('file'), 'content', false);
    expect(synced, 'where it can be made again').to.have.length(1);
  });

  it('is the leaf hashes, whenever they are flushed', async () => {
    const leaves = await LeafFile.open(path('file'), 0);
    leaves.add(EMPTY_ROOT);
    expect(synced).to.deep.equal([]);
    await leaves.flush();
    expect(synced).to.deep.equal(['named file']);
    await leaves.close();
  });

  it('is a checkpoint and the segment list, not the history and the state, which can be made again', async () => {
    const layout = integrityLayout(path('log'));
    await makeFolder(layout.folder);
    const evidence = new Evidence(layout);
    const head = { origin: 'log', size: 0, root: EMPTY_ROOT };
    const signatures = [{ name: 'log', keyId: '00000000', signature: Buffer.alloc(64) }];
    const checkpoint = { ...head, note: formatNote({ text: formatTreeHead(head), signatures }) };
    for (const [save, expected] of [
      [() => evidence.saveCheckpoint(checkpoint), ['unnamed file', 'folder']],
      [() => evidence.saveState(stateOf(new CompactRange(), { segment: 0, offset: 0 })), []],
      [() => evidence.saveSegmentList(EMPTY_SEGMENT_LIST), ['unnamed file', 'folder']],
      [() => evidence.saveAnchored(checkpoint), ['unnamed file', 'folder']],
      // Another anchor took the same.
      [() => evidence.saveAnchored(checkpoint), []],
    ] as const) {
      synced.length = 0;
      await save();
      expect(synced).to.deep.equal(expected);
    }
  });

  it('is a key that was made', () => {
    const { fsyncSync } = fs;
    const files: number[] = [];
    Object.assign(fs, { fsyncSync: (file: number) => (files.push(file), fsyncSync(file)) });
    syncBuiltinESMExports();
    try {
      generateKeyFile(path('key'));
    } finally {
      Object.assign(fs, { fsyncSync });
      syncBuiltinESMExports();
    }
    expect(files).to.have.length(1);
  });
});

describe('integrity: no file stays open', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let file: string;
  const lowest = () => lowestFile(folder.path);

  beforeEach(() => {
    folder = temporaryFolder();
    file = join(folder.path, 'file');
    writeFileSync(file, `line\n${'x'.repeat(100)}`);
  });
  afterEach(() => folder.remove());

  it('that is compressed and left after its first bytes', async () => {
    const content = Buffer.alloc(4 << 20);
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 0 }));
    const before = lowest();
    await take(readSegments([{ path: `${file}.gz`, present: true }]), 1);
    // It is closed by and by.
    for (let turns = 0; turns < 1000 && lowest() !== before; turns++) await settle();
    expect(lowest()).to.equal(before);
  });

  for (const [what, use] of [
    ['replaced', () => replaceFile(file, 'content')],
    ['added to', () => appendToFile(file, 'content')],
    ['looked into for the start of a line', () => startsLine(file, 5)],
    ['read to its end', () => take(readSegments([{ path: file, present: true }]), Infinity)],
    ['left after its first bytes', () => take(readSegments([{ path: file, present: true }]), 1)],
    ['read hash by hash', () => take(readLeaves(file), Infinity)],
    ['left after its first hashes', () => take(readLeaves(file), 1)],
    ['written with hashes', async () => (await LeafFile.open(file, 0)).close()],
  ] as const) {
    it(`that is ${what}`, async () => {
      const before = lowest();
      await use();
      expect(lowest()).to.equal(before);
    });
  }
});

/** Reads so many pieces, then leaves. */
async function take(source: AsyncIterable<unknown>, count: number): Promise<void> {
  let taken = 0;
  for await (const _ of source) if (++taken >= count) break;
  expect(taken).to.be.above(0);
}
