import { expect } from 'chai';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { IntegrityError } from '../../../lib/errors.js';
import { openCheckpoint, parseCheckpoint, cosignaturesOf } from '../../../lib/integrity/tlog/checkpoint.js';
import { hashFromBase64, hashToBase64 } from '../../../lib/integrity/tlog/merkle.js';
import {
  formatNote,
  formatVkey,
  parseNote,
  parseVkey,
  parseWitnessVkey,
  verifyNote,
} from '../../../lib/integrity/tlog/note.js';
import { verifyConsistency, verifyInclusion } from '../../../lib/integrity/tlog/proof.js';
import { formatConsistencyProof, parseConsistencyProof } from '../../../lib/integrity/tlog/tlogProof.js';
import { Witness } from '../../../lib/integrity/witness.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const read = <T>(name: string) =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8')) as T;

interface Notes {
  specifications: {
    signedNote: { vkey: string; note: string };
    blankLines: string;
    cosignedCheckpoint: string;
  };
  checksumDatabase: { vkey: string; note: string };
}

interface Merkle {
  inclusion: {
    name: string;
    leafIdx: number;
    treeSize: number;
    root: string;
    leafHash: string;
    proof: string[] | null;
    wantErr: boolean;
  }[];
  consistency: {
    name: string;
    size1: number;
    size2: number;
    root1: string;
    root2: string;
    proof: string[] | null;
    wantErr: boolean;
  }[];
}

interface Requests {
  origin: string;
  publicKey: string;
  requests: { body: string; status: number; says: string }[];
}

/** What is no hash stays something that is none. */
const hashOf = (text: string) => hashFromBase64(text) ?? text;

describe('integrity: published vectors', () => {
  const { specifications, checksumDatabase } = read<Notes>('notes');

  it('of signed notes verify, and are formatted as they were', () => {
    for (const { vkey, note } of [specifications.signedNote, checksumDatabase]) {
      const verifier = parseVkey(vkey);
      expect(formatVkey(verifier.name, verifier.publicKey)).to.equal(vkey);
      expect(verifyNote(note, [verifier]).signers).to.deep.equal([verifier]);
      expect(formatNote(parseNote(note))).to.equal(note);
      expect(() => verifyNote(note.replace('e', 'E'), [verifier])).to.throw(
        IntegrityError,
        'does not verify',
      );
    }
    expect(parseNote(specifications.blankLines).text).to.match(/sole:\n\ned è subito sera\.\n$/);
  });

  it('of checkpoints are read: origin, size and root', () => {
    const { origin, size, root } = parseCheckpoint(specifications.cosignedCheckpoint);
    expect([origin, size, hashToBase64(root)]).to.deep.equal([
      'example.com/behind-the-sofa',
      20852163,
      'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=',
    ]);
    expect(parseCheckpoint(checksumDatabase.note)).to.include({
      origin: 'go.sum database tree',
      size: 6476701,
    });
    // Signed by a key of another name than its origin: the one log for which C2SP's rule came too late.
    expect(() => openCheckpoint(checksumDatabase.note, [parseVkey(checksumDatabase.vkey)])).to.throw(
      IntegrityError,
      'signed by another',
    );
  });

  it('of a cosignature are read: key id, then time, then signature', () => {
    const line = parseNote(specifications.cosignedCheckpoint).signatures[1];
    expect(line).to.include({ name: 'witness.example.com/w1', keyId: '8d66cf3f' });
    expect(line?.signature.length).to.equal(72);
    expect(new Date(Number(line?.signature.readBigUInt64BE()) * 1000).toISOString()).to.equal(
      '2023-03-20T12:25:47.000Z',
    );
  });

  const merkle = read<Merkle>('merkle');

  it('of inclusion proofs hold or fail as they are meant to', () => {
    expect(merkle.inclusion.length).to.equal(98);
    for (const { name, leafIdx, treeSize, root, leafHash, proof, wantErr } of merkle.inclusion) {
      const claim = { index: leafIdx, size: treeSize, leaf: hashOf(leafHash), root: hashOf(root) };
      expect(verifyInclusion(claim, (proof ?? []).map(hashOf)), name).to.equal(!wantErr);
    }
  });

  it('of consistency proofs hold or fail as they are meant to', () => {
    expect(merkle.consistency.length).to.equal(98);
    for (const { name, size1, size2, root1, root2, proof, wantErr } of merkle.consistency) {
      const claim = {
        older: { size: size1, root: hashOf(root1) },
        newer: { size: size2, root: hashOf(root2) },
      };
      // One that is meant to hold has "don't care" for its roots, which is no hash; sizes and roots alone are compared there.
      const holds = !wantErr && hashFromBase64(root1) !== undefined;
      expect(verifyConsistency(claim, (proof ?? []).map(hashOf)), name).to.equal(holds);
    }
  });

  it('of requests to a witness are answered as another implementation answers them', async () => {
    const { origin, publicKey, requests } = read<Requests>('witness');
    const folder = temporaryFolder();
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'hex').toString('base64url') },
      format: 'jwk',
    });
    const { privateKey } = generateKeyPairSync('ed25519');
    const name = 'example.com/witness';
    const logs = [parseVkey(formatVkey(origin, key))];
    const witness = await Witness.open({ name, privateKey, logs, folder: folder.path });
    for (const { body: asked, status, says } of requests) {
      // The signature that is wrong there has bits behind its end, which strict Base64 refuses before anything is verified (400).
      const body = asked.replace('gx=\n', 'gw=\n');
      const request = parseConsistencyProof(body);
      expect(formatConsistencyProof(request)).to.equal(body);
      const answer = await witness.addCheckpoint(body);
      // 404 for a log that is not known is younger than these requests.
      expect(answer.status, body).to.equal(says.includes('unknown log') ? 404 : status);
      if (status === 409) expect(`== ${JSON.stringify(answer.body)}`).to.equal(says);
      if (status !== 200) continue;
      const cosigned = `${parseNote(request.checkpoint).text}\n${answer.body}`;
      expect(cosignaturesOf(cosigned, [parseWitnessVkey(witness.vkey)]).length).to.equal(1);
    }
    folder.remove();
  });
});
