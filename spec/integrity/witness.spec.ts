import { expect } from 'chai';
import { createHash, createPublicKey } from 'node:crypto';
import { writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ConfigError, IntegrityError } from '../../lib/errors.js';
import { formatTreeHead, cosignaturesOf } from '../../lib/integrity/tlog/checkpoint.js';
import { EMPTY_ROOT, leafHash, type Hash, CompactRange } from '../../lib/integrity/tlog/merkle.js';
import { resolveSigner, type NoteSigner } from '../../lib/integrity/sealing/keys.js';
import { parseVkey } from '../../lib/integrity/tlog/note.js';
import { consistencyRanges, ProofCollector } from '../../lib/integrity/tlog/proof.js';
import { formatConsistencyProof } from '../../lib/integrity/tlog/tlogProof.js';
import { Witness } from '../../lib/integrity/witness.js';
import { numberedLines } from '../support/referenceTree.js';
import { newKey, newWitnessKey } from '../support/signing.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const ORIGIN = 'audit.example.com/agents';
const leaves = numberedLines(40).map(leafHash);

function proofBetween(older: number, newer: number): Hash[] {
  const collector = new ProofCollector(consistencyRanges(older, newer));
  for (const leaf of leaves.slice(0, newer)) collector.add(leaf);
  return collector.proof();
}

describe('integrity: a witness (c2sp.org/tlog-witness)', () => {
  const log = newKey(ORIGIN);
  const key = newWitnessKey('witness.example/w1');
  let signer: NoteSigner;
  let folder: ReturnType<typeof temporaryFolder>;
  let witness: Witness;

  const open = (logs = [log.verifier]) =>
    Witness.open({ name: 'witness.example/w1', privateKey: key.privateKey, logs, folder: folder.path });
  const checkpoint = (size: number, root = rootOf(size), by = signer) =>
    by.sign(formatTreeHead({ origin: ORIGIN, size, root }));
  const request = async (older: number, newer: number, proof = proofBetween(older, newer)) =>
    formatConsistencyProof({ older, hashes: proof, checkpoint: await checkpoint(newer) });
  const ask = async (older: number, newer: number) => witness.addCheckpoint(await request(older, newer));
  function rootOf(size: number): Hash {
    const tree = new CompactRange();
    for (const leaf of leaves.slice(0, size)) tree.append(leaf);
    return tree.root();
  }

  before(() => {
    signer = resolveSigner('integrity', ORIGIN, { pem: log.pem });
  });
  beforeEach(async () => {
    folder = temporaryFolder();
    witness = await open();
  });
  afterEach(() => folder.remove());

  it('cosigns what extends all it has cosigned, with the time', async () => {
    for (const [older, newer] of [
      [0, 3],
      [3, 3],
      [3, 20],
      [20, 40],
    ] as const) {
      const { status, body } = await ask(older, newer);
      expect(status, `${older} to ${newer}`).to.equal(200);
      const [{ time } = expect.fail()] = cosignaturesOf(`${await checkpoint(newer)}${body}`, [key.verifier]);
      expect(time).to.be.closeTo(Date.now() / 1000, 60);
    }
  });

  it('serves what it cosigned last, with the signatures of both and of no third party', async () => {
    const hash = createHash('sha256').update(ORIGIN).digest('hex');
    expect(await witness.checkpoint(hash)).to.equal(undefined);
    const note = `${await checkpoint(5)}— stranger.example AAAAAAAAAAAA\n`;
    await witness.addCheckpoint(formatConsistencyProof({ older: 0, hashes: [], checkpoint: note }));
    const served = (await witness.checkpoint(hash)) ?? expect.fail();
    expect(served)
      .to.contain(await checkpoint(5))
      .and.not.contain('stranger');
    expect(cosignaturesOf(served, [key.verifier])).to.have.length(1);
    expect(await witness.checkpoint('0'.repeat(64))).to.equal(undefined);
  });

  it('says 409 and its size to who starts elsewhere', async () => {
    await ask(0, 7);
    for (const [older, newer] of [
      [0, 7],
      [5, 9],
      [8, 9],
    ] as const)
      expect(await ask(older, newer)).to.deep.equal({ status: 409, type: 'text/x.tlog.size', body: '7\n' });
  });

  it('says 422 to a proof that does not verify, and to another tree of the same size', async () => {
    await ask(0, 7);
    const [first = expect.fail(), ...rest] = proofBetween(7, 20);
    for (const proof of [[], rest, [...rest, first], [first, ...rest, first]])
      expect((await witness.addCheckpoint(await request(7, 20, proof))).status).to.equal(422);
    const other = await checkpoint(7, rootOf(8));
    const forked = formatConsistencyProof({ older: 7, hashes: [], checkpoint: other });
    expect((await witness.addCheckpoint(forked)).status).to.equal(422);
    expect((await ask(7, 20)).status).to.equal(200);
  });

  it('says 422 to a proof from nothing, and to an empty tree of another root', async () => {
    expect((await witness.addCheckpoint(await request(0, 7, [rootOf(1)]))).status).to.equal(422);
    const wrong = formatConsistencyProof({
      older: 0,
      hashes: [],
      checkpoint: await checkpoint(0, rootOf(1)),
    });
    expect((await witness.addCheckpoint(wrong)).status).to.equal(422);
    const empty = formatConsistencyProof({
      older: 0,
      hashes: [],
      checkpoint: await checkpoint(0, EMPTY_ROOT),
    });
    expect((await witness.addCheckpoint(empty)).status).to.equal(200);
  });

  it('says 404 to a log it does not know, and 403 to one with another key or a broken signature', async () => {
    const stranger = await resolveSigner('integrity', 'other.example', { pem: log.pem }).sign(
      formatTreeHead({ origin: 'other.example', size: 1, root: rootOf(1) }),
    );
    const thief = resolveSigner('integrity', ORIGIN, { pem: newKey(ORIGIN).pem });
    const tampered = (await checkpoint(3)).replace('\n3\n', '\n4\n');
    const notes = [stranger, await checkpoint(3, rootOf(3), thief), tampered];
    const statuses = [];
    for (const note of notes)
      statuses.push(
        (await witness.addCheckpoint(formatConsistencyProof({ older: 0, hashes: [], checkpoint: note })))
          .status,
      );
    expect(statuses).to.deep.equal([404, 403, 403]);
  });

  it('says 400 to what is no request', async () => {
    const good = await request(0, 3);
    const old = await request(0, 3);
    const bodies = [
      '',
      good.replace('old 0', 'old 00'),
      good.replace('old 0', 'old -1'),
      good.replace('old 0', 'old 9007199254740993'),
      good.replace('old 0\n', 'old 0\nAAAA\n'),
      good.replace('old 0\n', `old 0\n${`${'A'.repeat(43)}=\n`.repeat(64)}`),
      old.replace('old 0', 'old 4'),
      `old 0\n\n${ORIGIN}\n`,
    ];
    for (const body of bodies) expect((await witness.addCheckpoint(body)).status, body).to.equal(400);
    expect(readdirSync(folder.path)).to.deep.equal([]);
  });

  it('remembers across restarts, and takes another key of the same log', async () => {
    await ask(0, 7);
    const second = newKey(ORIGIN);
    witness = await open([log.verifier, parseVkey(second.vkey)]);
    expect((await ask(0, 9)).body).to.equal('7\n');
    const other = resolveSigner('integrity', ORIGIN, { pem: second.pem });
    const note = await checkpoint(9, rootOf(9), other);
    const answer = await witness.addCheckpoint(
      formatConsistencyProof({ older: 7, hashes: proofBetween(7, 9), checkpoint: note }),
    );
    expect(answer.status).to.equal(200);
  });

  it('does not start over what it cannot read', async () => {
    await ask(0, 7);
    const [file = expect.fail()] = readdirSync(folder.path);
    writeFileSync(join(folder.path, file), 'damaged');
    expect(await open().catch((error: Error) => error)).to.be.instanceOf(IntegrityError);
    expect(await ask(0, 9).catch((error: Error) => error)).to.be.instanceOf(IntegrityError);
  });

  it('refuses to use the key of a log', async () => {
    const shared = parseVkey(newKeyOf(key.privateKey));
    expect(await open([shared]).catch((error: Error) => error)).to.be.instanceOf(ConfigError);
  });

  it('answers requests of one log one after the other: of many that extend the same tree, one is cosigned', async () => {
    await ask(0, 7);
    const requests = await Promise.all([8, 9, 10, 11, 12].map((size) => request(7, size)));
    const statuses = await Promise.all(
      requests.map(async (body) => (await witness.addCheckpoint(body)).status),
    );
    expect(statuses.filter((status) => status === 200)).to.have.length(1);
    expect(statuses.filter((status) => status === 409)).to.have.length(4);
  });

  it('answers bytes of any kind, and cosigns none of them', async () => {
    const valid = await request(0, 3);
    const damaged = fc
      .tuple(fc.nat(valid.length - 1), fc.string({ unit: 'binary', maxLength: 3 }))
      .map(([at, text]) => valid.slice(0, at) + text + valid.slice(at + text.length + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.string({ unit: 'binary' })), async (body) => {
        const { status } = await witness.addCheckpoint(body);
        if (body !== valid) expect(status).to.be.oneOf([400, 403, 404]);
      }),
      { numRuns: 300 },
    );
  });

  function newKeyOf(privateKey: typeof key.privateKey): string {
    const publicKey = createPublicKey(privateKey);
    return resolveSigner('integrity', ORIGIN, {
      publicKey,
      sign: () => Buffer.alloc(64),
    }).vkey;
  }
});
