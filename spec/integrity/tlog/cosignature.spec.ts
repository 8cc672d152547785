import { expect } from 'chai';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { IntegrityError } from '../../../lib/errors.js';
import { parseNote, parseVkey, parseWitnessVkey, formatNote } from '../../../lib/integrity/tlog/note.js';
import { cosign, cosignaturesOf, withSignatures } from '../../../lib/integrity/tlog/checkpoint.js';
import { newKey, newWitnessKey } from '../../support/signing.js';

const NAME = 'witness.example/w1';
/** The body of the example of c2sp.org/tlog-cosignature. */
const TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';

describe('integrity: cosignatures (cosignature/v1)', () => {
  const key = newWitnessKey(NAME);
  const publicKey = createPublicKey(key.privateKey);
  const line = cosign(TEXT, NAME, key.privateKey, publicKey, 1_679_315_147);
  const note = formatNote({ text: TEXT, signatures: [line] });

  it('sign the message of the specification, byte for byte, behind its time', () => {
    const message = `cosignature/v1\ntime 1679315147\n${TEXT}`;
    expect(line.signature.subarray(0, 8).toString('hex')).to.equal('00000000641850cb');
    expect(verify(null, Buffer.from(message), publicKey, line.signature.subarray(8))).to.equal(true);
  });

  it('have the key id of their type, so that a key of a log never passes for one of a witness', () => {
    const raw = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url');
    const id = createHash('sha256')
      .update(Buffer.concat([Buffer.from(`${NAME}\n`), Buffer.of(4), raw]))
      .digest('hex')
      .slice(0, 8);
    expect(line.keyId).to.equal(id);
    expect(key.vkey).to.equal(`${NAME}+${id}+${Buffer.concat([Buffer.of(4), raw]).toString('base64')}`);
    expect(() => parseVkey(key.vkey)).to.throw(IntegrityError, 'not an Ed25519 key of a log');
    expect(() => parseWitnessVkey(newKey(NAME).vkey)).to.throw(IntegrityError, 'key of a witness');
  });

  it('are found with their time; lines of unknown keys are passed over', () => {
    expect(cosignaturesOf(note, [key.verifier])).to.deep.equal([
      { witness: key.verifier, time: 1_679_315_147 },
    ]);
    expect(cosignaturesOf(note, [newWitnessKey(NAME).verifier])).to.deep.equal([]);
  });

  it('count once for each witness, by the latest', () => {
    const later = cosign(TEXT, NAME, key.privateKey, publicKey, 1_679_315_200);
    expect(cosignaturesOf(withSignatures(note, [later]), [key.verifier])).to.deep.equal([
      { witness: key.verifier, time: 1_679_315_200 },
    ]);
  });

  it("are refused when they are another checkpoint's, of another time, cut, or without a time", () => {
    const broken = [
      formatNote({ text: TEXT.replace('20852163', '20852164'), signatures: [line] }),
      ...[
        Buffer.concat([Buffer.from('0000000064184cff', 'hex'), line.signature.subarray(8)]),
        line.signature.subarray(8),
        Buffer.concat([line.signature, Buffer.of(0)]),
        Buffer.concat([Buffer.alloc(8), line.signature.subarray(8)]),
        Buffer.concat([Buffer.alloc(8, 0xff), line.signature.subarray(8)]),
      ].map((signature) => formatNote({ text: TEXT, signatures: [{ ...line, signature }] })),
    ];
    for (const each of broken)
      expect(() => cosignaturesOf(each, [key.verifier])).to.throw(IntegrityError, NAME);
  });

  it('join a note once each', () => {
    expect(withSignatures(note, [line])).to.equal(note);
    const other = newWitnessKey('witness.example/w2');
    const second = cosign(TEXT, 'witness.example/w2', other.privateKey, createPublicKey(other.privateKey), 1);
    const both = withSignatures(note, [second, line]);
    expect(parseNote(both).signatures.map(({ name }) => name)).to.deep.equal([NAME, 'witness.example/w2']);
  });
});
