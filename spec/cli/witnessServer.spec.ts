import { expect } from 'chai';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { formatTreeHead, cosignaturesOf } from '../../lib/integrity/tlog/checkpoint.js';
import { leafHash, type Hash, CompactRange } from '../../lib/integrity/tlog/merkle.js';
import { resolveSigner } from '../../lib/integrity/sealing/keys.js';
import { consistencyRanges, ProofCollector } from '../../lib/integrity/tlog/proof.js';
import { formatConsistencyProof } from '../../lib/integrity/tlog/tlogProof.js';
import { numberedLines } from '../support/referenceTree.js';
import { newKey, newWitnessKey } from '../support/signing.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { hashOfOrigin, startWitness, type RunningWitness } from '../support/witness.js';

const ORIGINS = ['audit.example.com/agents', 'audit.example.com/others'] as const;
const leaves = numberedLines(40).map(leafHash);

function treeOf(size: number): Hash {
  const tree = new CompactRange();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  return tree.root();
}

function proofBetween(older: number, newer: number): Hash[] {
  const collector = new ProofCollector(consistencyRanges(older, newer));
  for (const leaf of leaves.slice(0, newer)) collector.add(leaf);
  return collector.proof();
}

describe('the server of a witness, attacked', () => {
  const logs = ORIGINS.map(newKey);
  const key = newWitnessKey('witness.example/w1');
  let folder: ReturnType<typeof temporaryFolder>;
  let witness: RunningWitness;
  const sockets: Socket[] = [];

  const start = async (timeoutMs?: number) => {
    witness = await startWitness(
      'w1',
      folder.path,
      logs.map(({ verifier }) => verifier),
      key,
      { timeoutMs },
    );
  };
  /** A request of one of the logs, whichever key signs it. */
  async function request(
    older: number,
    newer: number,
    log = 0,
    root = treeOf(newer),
    by = log,
  ): Promise<string> {
    const origin = ORIGINS[log] ?? '';
    const signer = resolveSigner('integrity', origin, { pem: logs[by]?.pem ?? '' });
    const note = await signer.sign(formatTreeHead({ origin, size: newer, root }));
    return formatConsistencyProof({ older, hashes: proofBetween(older, newer), checkpoint: note });
  }
  const post = (body: string, path = 'add-checkpoint') => fetch(witness.url + path, { method: 'POST', body });
  const submit = async (...args: Parameters<typeof request>) => {
    const answer = await post(await request(...args));
    return [answer.status, await answer.text()] as const;
  };
  const served = (log = 0) => fetch(`${witness.url}${hashOfOrigin(ORIGINS[log] ?? '')}/checkpoint`);

  /** What the server sends to a client that sends just these bytes, until it hangs up. */
  async function raw(text: string, end = false): Promise<string> {
    const socket = connect(Number(new URL(witness.url).port), '127.0.0.1');
    sockets.push(socket);
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(text);
    if (end) socket.end();
    await new Promise((resolve) => socket.once('close', resolve));
    return said;
  }

  beforeEach(async () => {
    folder = temporaryFolder();
    await start();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await witness.stop();
    folder.remove();
  });

  it('reads no more of a body than a request can have, whether its length is told or not', async () => {
    const long = 'x'.repeat(10_000_000);
    const chunked = `POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ntransfer-encoding: chunked\r\n\r\n`;
    // A client that is still sending may see the connection reset before it sees the answer.
    for (const head of [
      `POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: ${long.length}\r\n\r\n`,
      chunked,
    ])
      expect(await raw(head + (head === chunked ? `${long.length.toString(16)}\r\n` : '') + long)).to.match(
        /^(HTTP\/1\.1 413 |$)/,
      );
    expect(witness.answers).to.deep.equal([413, 413]);
    expect((await submit(0, 3))[0]).to.equal(200);
  });

  it('answers other methods with 405, and cosigns nothing', async () => {
    const body = await request(0, 3);
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      expect((await fetch(`${witness.url}add-checkpoint`, { method, body })).status, method).to.equal(405);
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      expect((await fetch(`${witness.url}add-checkpoint`, { method })).status, method).to.equal(405);
    for (const path of [
      'add-checkpoint/',
      '/add-checkpoint',
      'add-checkpoint?x',
      '../add-checkpoint/..',
      '%61dd-checkpoint',
    ])
      expect((await post(body, path)).status, path).to.equal(404);
    expect(readdirSync(folder.path)).to.deep.equal([]);
  });

  it('serves others while a body comes slowly, and hangs up on it', async () => {
    await witness.stop();
    await start(500);
    const body = await request(0, 3);
    const slow = raw(
      `POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    const slowHead = raw('POST /add-checkpoint HTTP/1.1\r\nhost: w\r\n');
    expect((await submit(0, 5))[0]).to.equal(200);
    expect(await slow).to.match(/^HTTP\/1\.1 408 /);
    expect(await slowHead).to.match(/^HTTP\/1\.1 408 /);
    expect(witness.answers.filter((status) => status === 200)).to.have.length(1);
  });

  it('cosigns nothing of a body that breaks off, though what came would do', async () => {
    const body = await request(0, 3);
    const head = `POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: ${body.length + 1}\r\n\r\n`;
    await raw(head + body, true);
    expect(readdirSync(folder.path)).to.deep.equal([]);
    expect(witness.answers.filter((status) => status === 200)).to.deep.equal([]);
    expect((await submit(0, 3))[0]).to.equal(200);
  });

  it('cosigns one of many checkpoints that are sent at once, and what it serves is that one', async () => {
    await submit(0, 7);
    const bodies = await Promise.all([8, 9, 10, 11, 12, 13, 14, 15].map((size) => request(7, size)));
    const answers = await Promise.all(bodies.map((body) => post(body)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).to.have.length(1);
    expect(statuses.filter((status) => status === 409)).to.have.length(7);
    const winner = bodies[statuses.indexOf(200)] ?? '';
    const note = await (await served()).text();
    expect(winner).to.contain(note.slice(0, note.indexOf('\n\n')));
    expect(cosignaturesOf(note, [key.verifier])).to.have.length(1);
  });

  it('cosigns one of two histories of one origin, whoever sends them first', async () => {
    const forged = await request(0, 5, 0, treeOf(6));
    const answers = await Promise.all([request(0, 5).then((body) => post(body)), post(forged)]);
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 409]);
    const known = await (await served()).text();
    for (const root of [treeOf(5), treeOf(6)]) await submit(5, 5, 0, root);
    expect((await (await served()).text()).split('\n\n')[0]).to.equal(known.split('\n\n')[0]);
  });

  it('takes no checkpoint of one log that another signed, and keeps logs apart', async () => {
    expect((await submit(0, 5, 0, treeOf(5), 1))[0]).to.equal(403);
    expect((await submit(0, 5, 0))[0]).to.equal(200);
    expect(await submit(5, 8, 1)).to.deep.equal([409, '0\n']);
    expect((await submit(0, 8, 1))[0]).to.equal(200);
    expect((await (await served(0)).text()).split('\n')[1]).to.equal('5');
    expect((await (await served(1)).text()).split('\n')[1]).to.equal('8');
  });

  it('does not forget at a restart, and says so where its state was taken away', async () => {
    await submit(0, 7);
    await witness.stop();
    await start();
    expect(await submit(0, 9)).to.deep.equal([409, '7\n']);
    const [file = expect.fail()] = readdirSync(folder.path);
    writeFileSync(join(folder.path, file), 'damaged');
    const [status, text] = await submit(7, 9);
    expect([status, text]).to.deep.equal([500, 'the witness cannot read or write its state\n']);
    rmSync(join(folder.path, file));
    // What it no longer knows it does not claim to know: the log and its auditors see the size that it has.
    expect(await submit(7, 9)).to.deep.equal([409, '0\n']);
    expect((await served()).status).to.equal(404);
  });
});
