import { expect } from 'chai';
import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { ZipReader } from '../../lib/cli/evidence/zip.js';
import { crc32ByTable } from '../../lib/internal/crc32.js';
import { CliFailure } from '../../lib/cli/shared/command.js';

import { runBuiltCommand } from '../support/builtCli.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

type Files = Record<string, Uint8Array>;

/** One entry as it is to be written: what the two headers say can be told apart. */
interface Entry {
  readonly name: string;
  readonly content: Uint8Array;
  /** What the local header calls it, if something else. */
  readonly localName?: string;
  readonly localSize?: number;
  readonly localCrc?: number;
  readonly extra?: Uint8Array;
  readonly attributes?: number;
  readonly flags?: number;
  readonly stored?: boolean;
  /** Bytes behind the packed content, which the packed size counts in. */
  readonly behind?: Uint8Array;
  /** Written, but not in the directory. */
  readonly unlisted?: boolean;
  /** Bytes before the local header. */
  readonly before?: Uint8Array;
}

/** Writes an archive by hand: the headers as APPNOTE 4.3.7, 4.3.12 and 4.3.16 have them. */
function archive(entries: readonly Entry[], { comment = '', tail = '' } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let place = 0;
  const add = (bytes: Uint8Array) => {
    parts.push(Buffer.from(bytes));
    place += bytes.length;
  };
  for (const entry of entries) {
    const { name, content, extra = Buffer.alloc(0), stored = false, behind = Buffer.alloc(0) } = entry;
    if (entry.before !== undefined) add(entry.before);
    const packed = Buffer.concat([stored ? content : deflateRawSync(content), behind]);
    const common = (crc: number, size: number, bytes: number) => {
      const fields = Buffer.alloc(26);
      fields.writeUInt16LE(20, 0);
      fields.writeUInt16LE(entry.flags ?? 0, 2);
      fields.writeUInt16LE(stored ? 0 : 8, 4);
      fields.writeUInt16LE(33, 8);
      fields.writeUInt32LE(crc, 10);
      fields.writeUInt32LE(packed.length, 14);
      fields.writeUInt32LE(size, 18);
      fields.writeUInt16LE(bytes, 22);
      return fields;
    };
    const local = Buffer.from(entry.localName ?? name);
    const start = place;
    const [crc, size] = [crc32ByTable(content), content.length];
    const head = common(entry.localCrc ?? crc, entry.localSize ?? size, local.length);
    head.writeUInt16LE(extra.length, 24);
    add(Buffer.concat([Buffer.from('PK\x03\x04'), head, local, extra, packed]));
    if (entry.unlisted === true) continue;
    const named = Buffer.from(name);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(entry.attributes ?? (0o100600 << 16) >>> 0, 6);
    rest.writeUInt32LE(start, 10);
    directory.push(
      Buffer.concat([
        Buffer.from('PK\x01\x02\x14\x03', 'latin1'),
        common(crc, size, named.length),
        rest,
        named,
      ]),
    );
  }
  const bytes = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(bytes.length, 12);
  end.writeUInt32LE(place, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...parts, bytes, end, Buffer.from(comment + tail)]);
}

describe('evidence: an archive that is forged', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let bundle: Buffer;
  let files: Files;
  let vkey: string;
  const at = (name: string) => join(folder.path, name);

  before(async () => {
    folder = temporaryFolder();
    vkey = await writeSealedSampleLog(at('audit.jsonl'), { records: 40 });
    const words = ['evidence', '--framework', 'pci', at('audit.jsonl'), '-o', at('bundle.zip')];
    expect((await runBuiltCommand(words)).code).to.equal(0);
    bundle = readFileSync(at('bundle.zip'));
    files = unzipSync(bundle);
  });
  after(() => folder.remove());

  it('ends the command with exit code 3, and without a verdict', async () => {
    const { code, out, err } = await verify(archive([...entries(), extra('README.txt')]));
    expect([code, out], err).to.deep.equal([3, '']);
    expect(err).to.include('not a bundle as evidence writes it');
  });

  const entries = (): Entry[] => Object.entries(files).map(([name, content]) => ({ name, content }));
  const changed = (name: string, change: Partial<Entry>) =>
    entries().map((entry) => (entry.name === name ? { ...entry, ...change } : entry));
  const extra = (name: string, content = 'x'): Entry => ({ name, content: Buffer.from(content) });
  const forged = Buffer.from('no failure in the period\n');

  async function verify(bytes: Uint8Array) {
    writeFileSync(at('forged.zip'), bytes);
    return runBuiltCommand(['verify', at('forged.zip'), '--vkey', vkey, '--json']);
  }

  it('is told from one that another program packed, with the same files', async () => {
    const { code, out, err } = await verify(archive(entries()));
    expect(code, out + err).to.equal(0);
    expect((await verify(archive(entries().map((entry) => ({ ...entry, stored: true }))))).code).to.equal(0);
    expect((await verify(bundle)).code).to.equal(0);
  });

  /** A whole archive of forged files in the extra field of a local header; the directory leads there. */
  function hidden(): Buffer {
    const inner = archive([{ name: 'README.txt', content: forged }]);
    const local = inner.subarray(0, inner.indexOf('PK\x01\x02'));
    const field = Buffer.concat([Buffer.from([0x99, 0x99, local.length & 0xff, local.length >> 8]), local]);
    const outer = archive(changed('README.txt', { extra: field }));
    const at = outer.indexOf('PK\x01\x02');
    const place = outer.lastIndexOf('README.txt');
    const moved = Buffer.from(outer);
    moved.writeUInt32LE(outer.indexOf(local), place - 4);
    inner.copy(moved, place - 30, inner.indexOf('PK\x01\x02') + 16, inner.indexOf('PK\x01\x02') + 28);
    expect(at).to.be.greaterThan(0);
    expect(Buffer.from(unzipSync(moved)['README.txt'] ?? []).equals(forged)).to.equal(true);
    return moved;
  }

  const refusals: Record<string, () => Buffer> = {
    'entries hidden in an extra field, to which the directory leads': hidden,
    'an extra field': () => archive(changed('README.txt', { extra: Buffer.from([0x99, 0x99, 0, 0]) })),
    'an entry that the directory does not list': () =>
      archive([{ ...extra('README.txt', 'forged'), unlisted: true }, ...entries()]),
    'such an entry at the end': () => archive([...entries(), { ...extra('logs/2-b'), unlisted: true }]),
    'bytes between its entries': () => archive(changed('README.txt', { before: Buffer.from('PK\x03\x04') })),
    'bytes before the first entry': () =>
      archive(
        entries().map((entry, n) => (n === 0 ? { ...entry, before: Buffer.from('#!/bin/sh\n') } : entry)),
      ),
    'bytes behind the content of an entry': () => archive(changed('report.html', { behind: forged })),
    'a local header with another name': () => archive(changed('README.txt', { localName: 'README.TXT' })),
    'a local header with a longer name': () => archive(changed('README.txt', { localName: '../README.txt' })),
    'a local header with another size': () => archive(changed('README.txt', { localSize: 3 })),
    'a local header with another checksum': () => archive(changed('README.txt', { localCrc: 3 })),
    'two entries of one name': () => archive([...entries(), extra('README.txt')]),
    'two names that some systems take for one': () => archive([...entries(), extra('readme.TXT')]),
    'a name that leads out': () => archive([...entries(), extra('../../../tmp/evil.txt')]),
    'a name that leads out from within': () => archive([...entries(), extra('logs/../../evil')]),
    'an absolute name': () => archive([...entries(), extra('/etc/cron.d/evil')]),
    'a name with a drive': () => archive([...entries(), extra('C:/evil.txt')]),
    'a name with backslashes': () => archive([...entries(), extra('..\\evil.txt')]),
    'a name with a null byte': () => archive([...entries(), extra('README.txt\0.exe')]),
    'an entry that is a folder': () => archive([...entries(), extra('logs/')]),
    'an entry without a name': () => archive([...entries(), extra('')]),
    'a symbolic link': () => archive(changed('README.txt', { attributes: (0o120777 << 16) >>> 0 })),
    'a program with the rights of its owner': () =>
      archive(changed('README.txt', { attributes: (0o104755 << 16) >>> 0 })),
    'an entry that says it is encrypted': () => archive(changed('README.txt', { flags: 1 })),
    'a comment': () => archive(entries(), { comment: 'all is well' }),
    'something behind its end': () => archive(entries(), { tail: 'x' }),
    'another archive behind it': () => Buffer.concat([bundle, archive([extra('README.txt')])]),
    'no directory': () => bundle.subarray(0, bundle.indexOf('PK\x01\x02')),
    'half of itself': () => bundle.subarray(0, bundle.length / 2),
    nothing: () => archive([]).subarray(0, 0),
  };
  for (const [what, make] of Object.entries(refusals)) {
    it(`is refused with exit code 3: ${what}`, async () => {
      expect(refusal(await read(make()))).to.equal(true);
    });
  }

  /** Of sound form, so that it is the verification that has to find them. */
  const findings: Record<string, () => Buffer> = {
    'no entry at all': () => archive([]),
    'a file that is not listed': () => archive([...entries(), extra('x.txt')]),
    'a log that is not listed': () => archive([...entries(), extra('logs/2-b.jsonl', '{}\n')]),
    'a forged README': () => archive(changed('README.txt', { content: forged })),
    'an empty file of evidence': () => archive(changed('evidence.json', { content: Buffer.from('{}') })),
    'no file of evidence': () => archive(entries().filter(({ name }) => name !== 'evidence.json')),
    'no slice': () => archive(entries().filter(({ name }) => !name.startsWith('logs/'))),
  };
  for (const [what, make] of Object.entries(findings)) {
    it(`is found with exit code 1: ${what}`, async () => {
      const { code, out, err } = await verify(make());
      expect(code, out + err).to.equal(1);
      expect(JSON.parse(out)).to.include({ ok: false, covers: 'Nothing in this bundle can be relied on.' });
    });
  }

  /** What the reader makes of bytes: all files, or the reason of its refusal. */
  async function read(bytes: Uint8Array): Promise<Files | CliFailure> {
    writeFileSync(at('fuzz.zip'), bytes);
    let zip: ZipReader | undefined;
    try {
      zip = await ZipReader.open(at('fuzz.zip'));
      const found: Files = {};
      for (const { name, content } of zip.entries) {
        const pieces: Buffer[] = [];
        for await (const piece of content()) pieces.push(Buffer.from(piece));
        found[name] = Buffer.concat(pieces);
      }
      return found;
    } catch (error) {
      if (error instanceof CliFailure) return error;
      throw error;
    } finally {
      await zip?.close();
    }
  }

  const refusal = (found: Files | CliFailure) => {
    if (!(found instanceof CliFailure)) return false;
    expect(found.exitCode).to.equal(3);
    expect(found.message).to.include('not a bundle as evidence writes it');
    return true;
  };

  it('of arbitrary bytes is refused, and nothing else happens', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, ended) => {
        const end = archive([]);
        expect(refusal(await read(ended ? Buffer.concat([bytes, end]) : bytes))).to.equal(
          !(ended && bytes.length === 0),
        );
      }),
      { numRuns: 150 },
    ));

  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const mutation = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), from: place, value: fc.integer({ min: 0, max: 255 }) }),
    fc.record({ kind: fc.constant('cut' as const), from: place, value: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant('twice' as const), from: place, value: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant('zero' as const), from: place, value: fc.integer({ min: 1, max: 4 }) }),
  );
  type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

  /** Half of the changes are made to the directory and its end, which are a small part of the bytes. */
  function mutate(bytes: Buffer, { kind, from, value }: Mutation, inDirectory: boolean): Buffer {
    const first = inDirectory ? bytes.indexOf('PK\x01\x02') : 0;
    const at = first + Math.floor(from * (bytes.length - first));
    const copy = Buffer.from(bytes);
    if (kind === 'set') copy[at] = value;
    else if (kind === 'zero') copy.fill(0, at, Math.min(at + value, copy.length));
    else if (kind === 'cut') return Buffer.concat([copy.subarray(0, at), copy.subarray(at + value)]);
    else return Buffer.concat([copy.subarray(0, at + value), copy.subarray(at)]);
    return copy;
  }

  it('of mutated bytes is refused, or holds the very same files', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (all, where) => {
          const bytes = all.reduce((left, one) => mutate(left, one, where), bundle);
          const found = await read(bytes);
          if (refusal(found)) return;
          // A name can be changed in both headers by nothing but luck; the manifest tells that. The content cannot.
          expect(Object.keys(found)).to.have.members(Object.keys(files));
          for (const [name, content] of Object.entries(found as Files))
            expect(Buffer.from(content).equals(Buffer.from(files[name] ?? [])), name).to.equal(true);
        },
      ),
      { numRuns: 200 },
    ));

  it('of mutated bytes is called sound by verify only where every file is the same', () =>
    fc.assert(
      fc.asyncProperty(mutation, fc.boolean(), async (one, where) => {
        const bytes = mutate(bundle, one, where);
        const { code, err } = await verify(bytes);
        expect([0, 1, 3], err).to.include(code);
        if (code === 0) expect(unzipSync(bytes)).to.deep.equal(files);
      }),
      { numRuns: 12 },
    ));
});
