import { expect } from 'chai';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLine, encodeLine } from '../../../lib/codecs/json.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { parseVkey } from '../../../lib/integrity/tlog/note.js';
import { findRecord, proveRecord } from '../../../lib/integrity/proving.js';
import {
  commitmentData,
  digestOf,
  leafData,
  selectiveRecord,
  withSeed,
} from '../../../lib/integrity/tlog/leafData.js';
import {
  checkDisclosure,
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
} from '../../../lib/integrity/tlog/tlogProof.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import type { AuditRecord } from '../../../lib/schema/record.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { auditLogOf } from '../../../lib/withLogging.js';
import { audited } from '../../support/audited.js';
import { fullPairV1 } from '../../support/fullServerV1.js';
import { fullPairV2 } from '../../support/fullServerV2.js';
import { runCommand } from '../../support/runCommand.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

interface Extra {
  format: string;
  digests: string[];
  disclosures: string[];
}

/** The record of a line, without the seed of its salts. */
function unsalted(line: string): AuditRecord {
  const { salt: _, ...record } = decodeLine(line) as AuditRecord & { salt?: string };
  return record;
}

const SEED = Buffer.alloc(32, 7);
const b64 = (text: string) => Buffer.from(text).toString('base64url');
const decoded = (disclosure: string) =>
  JSON.parse(Buffer.from(disclosure, 'base64url').toString()) as [string, string, unknown];

describe('a record whose fields are revealed one by one', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  let vkey: string;
  let lines: string[];
  const verifiers = () => [parseVkey(vkey)];
  const note = () => readFileSync(integrityLayout(path).checkpoint, 'utf8');

  before(async () => {
    folder = temporaryFolder();
    path = join(folder.path, 'audit.jsonl');
    const integrity = { origin: 'a/b', key: { generate: `${path}.key` }, selective: true };
    const sink = new FileSink({ path, integrity, onNotice: () => undefined });
    for (const { client, connect } of [fullPairV1(), fullPairV2('modern')]) {
      audited(client as never, { sink, actorId: 'ada@example.com', toolDefinitions: false });
      await connect();
      await (client as { listTools(): Promise<unknown> }).listTools();
      await client.close();
      await auditLogOf(client as never)?.forceFlush();
    }
    await sink.close();
    vkey = readFileSync(integrityLayout(path).vkey, 'utf8').trim();
    lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  });
  after(() => folder.remove());

  const prove = async (index: number, names: readonly string[]) =>
    proveRecord(path, await findRecord(path, { index }), note(), verifiers(), names);
  const extraOf = ({ extra }: TlogProof) => JSON.parse(Buffer.from(extra!).toString()) as Extra;
  const forged = (proof: TlogProof, change: (extra: Extra) => unknown): TlogProof => {
    const extra = extraOf(proof);
    const changed = change(extra) ?? extra;
    return { ...proof, extra: Buffer.from(JSON.stringify(changed)) };
  };
  const check = (proof: TlogProof) => checkDisclosure(parseTlogProof(formatTlogProof(proof)), verifiers());

  it('shows these fields, hides the others, and is checked by the public key alone', async () => {
    const record = decodeLine(lines[2]!);
    const proof = await prove(2, ['actor_id', 'resource', 'outcome', 'mcp.method']);
    const { fields, checkpoint } = check(proof);
    expect([...fields]).to.have.deep.members([
      ['actor_id', 'ada@example.com'],
      ['resource', record.resource],
      ['outcome', record.outcome],
      ['mcp.method', record.mcp?.method],
    ]);
    expect(checkpoint.size).to.equal(lines.length);
    const seed = (JSON.parse(lines[2]!) as { salt: string }).salt;
    const text = Buffer.from(proof.extra!).toString();
    for (const hidden of [seed, record.record_id, record.session_id, record.trace_id, b64(record.session_id)])
      expect(text + formatTlogProof(proof)).not.to.include(hidden);
    expect(extraOf(proof).disclosures).to.have.length(4);
  });

  it('by the command line, both ways', async () => {
    const file = join(folder.path, 'p');
    const args = ['prove', path, '--record', '2', '--vkey', vkey, '-o', file];
    expect(await runCommand([...args, '--reveal', 'actor_id, resource,outcome'])).to.include({ code: 0 });
    const { code, out } = await runCommand(['check-proof', file, '--vkey', vkey, '--json']);
    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.deep.include({ ok: true, index: 2 });
    expect((JSON.parse(out) as { revealed: object }).revealed).to.have.all.keys(
      'actor_id',
      'resource',
      'outcome',
    );
    expect((await runCommand([...args, '--reveal', 'no_such_field'])).code).to.equal(1);
    expect((await runCommand([...args, '--reveal', 'salt'])).code).to.equal(1);
    expect((await runCommand([...args, '--reveal', '_order'])).code).to.equal(1);
    expect((await runCommand([...args, '--reveal', 'a,,b'])).code).to.equal(2);
    expect((await runCommand([...args, '--reveal', 'outcome', '--with-record'])).code).to.equal(2);
    // Whoever has the whole line can check it as of any other log.
    writeFileSync(join(folder.path, 'line'), lines[2]!);
    const whole = ['check-proof', file, '--vkey', vkey, '--record', join(folder.path, 'line')];
    expect(await runCommand(whole)).to.include({ code: 0 });
  });

  it('by the recipe of the page, without a line of ours', async () => {
    const proof = await prove(2, ['outcome']);
    const { digests, disclosures } = extraOf(proof);
    const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();
    expect(digests).to.include(sha256(disclosures[0]!).toString('base64url'));
    const data = ['otel-mcp-log/selective@v1', ...digests].map((line) => `${line}\n`).join('');
    // Then the proof of RFC 6962: from the leaf to the root, siblings on the side that the index says.
    let hash = sha256(Buffer.concat([Buffer.from([0]), Buffer.from(data)]));
    const [, size, root] = proof.checkpoint.split('\n');
    let [node, last] = [proof.index, Number(size) - 1];
    for (const sibling of proof.hashes.map((text) => Buffer.from(text, 'latin1'))) {
      const isRight = node % 2 === 1 || node === last;
      const pair = isRight ? [sibling, hash] : [hash, sibling];
      hash = sha256(Buffer.concat([Buffer.from([1]), ...pair]));
      while (isRight && node % 2 === 0 && node !== 0) [node, last] = [node >> 1, last >> 1];
      [node, last] = [node >> 1, last >> 1];
    }
    expect(hash.toString('base64')).to.equal(root);
  });

  for (const [change, step] of [
    ['a change of a line', 97],
    ['a change of a line, wherever it is, @slow', 7],
  ] as const)
    it(`is verified with the log, and ${change} is found`, async () => {
      const options = { vkeys: [vkey] };
      expect((await verifyLogFile(path, options)).status).to.equal('intact');
      const original = readFileSync(path);
      const { length } = lines[0]!;
      const changes: ((bytes: Buffer) => Buffer)[] = [];
      for (let at = 0; at < length; at += step)
        changes.push((bytes) => {
          bytes[at]! ^= 1;
          return bytes;
        });
      const whole = (text: string) =>
        Buffer.from([text, ...lines.slice(1)].map((line) => `${line}\n`).join(''));
      const record = JSON.parse(lines[0]!) as Record<string, unknown>;
      const { salt, ...rest } = record;
      const swapped = Object.fromEntries([...Object.entries(rest).reverse(), ['salt', salt]]);
      changes.push(
        () => whole(JSON.stringify(swapped)),
        () => whole(lines[0]!.replace(',"time"', ', "time"')),
        () => whole(lines[0]!.replace('"seq":0', '"seq":0,"seq":0')),
        () => whole(lines[0]!.replace('"seq":0', '"seq":"0"')),
        () => whole(lines[0]!.replace('"seq":0', '"seq":0.0')),
        () => whole(lines[0]!.replace('"outcome"', '"outcom\\u0065"')),
        () => whole(JSON.stringify(rest)),
        () =>
          whole(
            Buffer.from(leafData(Buffer.from(lines[0]!)))
              .toString()
              .replaceAll('\n', ''),
          ),
      );
      try {
        for (const change of changes) {
          writeFileSync(path, change(Buffer.from(original)));
          expect((await verifyLogFile(path, options)).ok).to.equal(false);
        }
      } finally {
        writeFileSync(path, original);
      }
    });

  const forgeries: [what: string, forge: (extra: Extra) => unknown][] = [
    ['a field of another record', (extra) => void (extra.disclosures[0] = other!)],
    ['another value', (extra) => void (extra.disclosures[0] = revalued(extra, 'OUTCOME_FAILURE_DENIED'))],
    ['a number in the place of its text', (extra) => void (extra.disclosures[1] = revalued(extra, '1', 1))],
    ['another name', (extra) => void (extra.disclosures[0] = renamed(extra, 'actor_id'))],
    ['a field twice', (extra) => void extra.disclosures.push(extra.disclosures[0]!)],
    [
      'a field of its own digest',
      (extra) => {
        const added = b64('["AAAAAAAAAAAAAAAAAAAAAA","actor_id","eve"]');
        extra.disclosures.push(added);
        extra.digests = [...extra.digests, digestOf(added)].sort();
      },
    ],
    [
      'a digest exchanged',
      (extra) => {
        const added = b64('["AAAAAAAAAAAAAAAAAAAAAA","actor_id","eve"]');
        extra.disclosures = [added];
        extra.digests = [...extra.digests.slice(1), digestOf(added)].sort();
      },
    ],
    ['digests in another order', (extra) => void extra.digests.reverse()],
    ['a digest twice', (extra) => void extra.digests.splice(1, 0, extra.digests[0]!)],
    ['a digest less', (extra) => void extra.digests.pop()],
    ['white space in a disclosure', (extra) => void (extra.disclosures[0] += '\n')],
    ['padding in a disclosure', (extra) => void (extra.disclosures[0] += '=')],
    [
      'a disclosure of four parts',
      (extra) => void (extra.disclosures[0] = b64('["AAAAAAAAAAAAAAAAAAAAAA","a",1,2]')),
    ],
    [
      'a disclosure without a name',
      (extra) => void (extra.disclosures[0] = b64('["AAAAAAAAAAAAAAAAAAAAAA",null,1]')),
    ],
    [
      'a disclosure that is an object',
      (extra) => void (extra.disclosures[0] = b64('{"0":"a","1":"b","2":1,"length":3}')),
    ],
    ['a short salt', (extra) => void (extra.disclosures[0] = b64('["AAAA","outcome","x"]'))],
    ['another format', (extra) => void (extra.format = 'otel-mcp-log/selective@v2')],
    ['no list', (extra) => ({ ...extra, digests: 'x' })],
    ['a list in its place', () => []],
  ];
  let other: string | undefined;
  const revalued = ({ disclosures }: Extra, value: unknown, at = 0) => {
    const [salt, name] = decoded(disclosures[typeof at === 'number' ? 0 : at]!);
    return b64(JSON.stringify([salt, name, value]));
  };
  const renamed = ({ disclosures }: Extra, name: string) => {
    const [salt, , value] = decoded(disclosures[0]!);
    return b64(JSON.stringify([salt, name, value]));
  };
  for (const [what, forge] of forgeries) {
    it(`is refused with ${what}`, async () => {
      other = extraOf(await prove(1, ['outcome'])).disclosures[0];
      const proof = await prove(2, ['outcome', 'seq']);
      check(proof);
      expect(() => check(forged(proof, forge))).to.throw(
        /not a proof|not one of this record|shown twice|does not lead/,
      );
    });
  }

  it('is refused as the proof of another record, and by another key', async () => {
    const [one, two] = [await prove(1, ['outcome']), await prove(2, ['outcome'])];
    expect(() => check({ ...one, index: 2 })).to.throw(/does not lead/);
    expect(() => check({ ...two, extra: one.extra! })).to.throw(/does not lead/);
    expect(() => check({ ...two, hashes: one.hashes })).to.throw(/does not lead/);
    const stranger = 'a/b+7f0a2b1c+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh';
    expect(() => checkDisclosure(two, [parseVkey(stranger)])).to.throw();
  });

  it('tells neither how many fields it has, nor which digest is whose', () => {
    const base = { ...decodeLine(lines[2]!) } as AuditRecord & Record<string, unknown>;
    const { salt: _, ...plain } = base as Record<string, unknown>;
    const digestsOf = (record: object) =>
      selectiveRecord(Buffer.from(withSeed(encodeLine(record as AuditRecord), SEED)))!
        .data.toString()
        .split('\n').length;
    expect(digestsOf({ ...plain, tenant_id: 'x' })).to.equal(digestsOf(plain));
    const { fields } = selectiveRecord(Buffer.from(lines[2]!))!;
    const salts = fields.map(({ disclosure }) => decoded(disclosure)[0]);
    expect(new Set(salts).size).to.equal(fields.length);
    for (const salt of salts) expect(Buffer.from(salt, 'base64url')).to.have.length(16);
    const again = selectiveRecord(Buffer.from(lines[1]!))!.fields.map(
      ({ disclosure }) => decoded(disclosure)[0],
    );
    expect(again.filter((salt) => salts.includes(salt))).to.deep.equal([]);
  });

  it('commits to every byte of whatever JSON object, and takes nothing else apart', () => {
    const json = fc.dictionary(
      fc.string().filter((key) => !/^_|[.]|^salt$/.test(key)),
      fc.jsonValue(),
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(json, json, (one, two) => {
        const line = (value: object) => Buffer.from(withSeed(JSON.stringify(value), SEED));
        const [a, b] = [line({ ...one, mcp: two }), line({ ...one, mcp: { ...two, more: 1 } })];
        const record = selectiveRecord(a)!;
        expect(record.data.equals(selectiveRecord(b)!.data)).to.equal(false);
        for (const { name, disclosure } of record.fields) {
          const [, own, value] = decoded(disclosure);
          expect(own).to.equal(name);
          const text = Buffer.from(disclosure, 'base64url').toString();
          expect(text.endsWith(`${JSON.stringify(value)}]`)).to.equal(true);
        }
      }),
    );
    for (const text of [
      '{}',
      '[1]',
      '{ "a":1}',
      '{"a":1,"a":2}',
      '{"a.b":1}',
      '{"_order":1}',
      '{"a"}',
      '"x"',
    ])
      expect(selectiveRecord(Buffer.from(withSeed(text, SEED))), text).to.equal(undefined);
    expect(leafData(Buffer.from('{"a":1}')).toString()).to.equal('{"a":1}');
    expect(commitmentData(['x']).includes(0x0a)).to.equal(true);
  });

  it('cannot be shown in part where the log was written without the option', async () => {
    const plain = join(folder.path, 'plain.jsonl');
    const integrity = { origin: 'a/b', key: { generate: `${plain}.key` } };
    const sink = new FileSink({ path: plain, integrity, onNotice: () => undefined });
    await sink.emit([unsalted(lines[1]!)]);
    await sink.close();
    const { code, err } = await runCommand(['prove', plain, '--record', '0', '--reveal', 'outcome']);
    expect(code).to.equal(1);
    expect(err).to.include('integrity.selective');
  });

  it('goes on after a restart, and its tiles hold commitments alone', async () => {
    const tiles = join(folder.path, 'tiles');
    expect(await runCommand(['export-tiles', path, '-o', tiles, '--vkey', vkey])).to.include({ code: 0 });
    const entries = readFileSync(join(tiles, `tile/entries/000.p/${lines.length}`), 'utf8');
    expect(entries).to.include('otel-mcp-log/selective@v1').and.not.to.include('ada@example.com');
    const integrity = { origin: 'a/b', key: `${path}.key`, selective: true };
    const sink = new FileSink({ path, integrity, onNotice: () => undefined });
    await sink.emit([{ ...unsalted(lines[1]!), seq: lines.length }]);
    await sink.close();
    expect((await verifyLogFile(path, { vkeys: [vkey] })).status).to.equal('intact');
  });
});
