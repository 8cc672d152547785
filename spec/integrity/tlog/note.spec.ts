import { expect } from 'chai';
import fc from 'fast-check';
import { generateKeyPairSync, sign } from 'node:crypto';
import { IntegrityError } from '../../../lib/errors.js';
import { openCheckpoint, parseTreeHead, splitNotes } from '../../../lib/integrity/tlog/checkpoint.js';
import { EMPTY_ROOT } from '../../../lib/integrity/tlog/merkle.js';
import { resolveSigner } from '../../../lib/integrity/sealing/keys.js';
import {
  formatNote,
  formatVkey,
  parseNote,
  parseVkey,
  verifyNote,
} from '../../../lib/integrity/tlog/note.js';
import { newKey } from '../../support/signing.js';

// The example of c2sp.org/signed-note.
const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

describe('integrity: signed notes', () => {
  it('reads and verifies the example of the specification', () => {
    const verifier = parseVkey(VKEY);
    expect(verifier).to.include({ name: 'example.com/foo', keyId: '530d903a' });
    expect(formatVkey(verifier.name, verifier.publicKey)).to.equal(VKEY);
    expect(verifyNote(NOTE, [verifier])).to.deep.equal({
      text: 'This is an example message.\n',
      signers: [verifier],
    });
    expect(formatNote(parseNote(NOTE))).to.equal(NOTE);
  });

  it('rejects the note after a change of any one byte of it', () => {
    const verifier = parseVkey(VKEY);
    const bytes = Buffer.from(NOTE);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(() => verifyNote(changed.toString(), [verifier])).to.throw(IntegrityError);
      }),
      { numRuns: 1000 },
    );
  });

  it('passes over signatures of unknown keys, and needs one of a known key', () => {
    const [known, unknown] = [newKey('log'), newKey('witness')];
    const signedBy = ({ privateKey, verifier }: ReturnType<typeof newKey>) => ({
      name: verifier.name,
      keyId: verifier.keyId,
      signature: sign(null, Buffer.from('text\n'), privateKey),
    });
    const note = formatNote({ text: 'text\n', signatures: [signedBy(unknown), signedBy(known)] });
    expect(verifyNote(note, [known.verifier]).signers).to.deep.equal([known.verifier]);
    expect(() => verifyNote(note, [newKey('log').verifier])).to.throw(IntegrityError, 'not signed by a key');
    const impostor = { ...signedBy(unknown), name: 'log', keyId: known.verifier.keyId };
    const forged = formatNote({ text: 'text\n', signatures: [signedBy(known), impostor] });
    expect(() => verifyNote(forged, [known.verifier])).to.throw(IntegrityError, 'does not verify');
  });

  it('rejects what is no note', () => {
    for (const [text, reason] of [
      ['', 'no blank line'],
      ['text\n', 'no blank line'],
      ['text\n\nnot a signature\n', 'malformed signature'],
      ['text\n\n— name !!!!\n', 'malformed signature'],
      ['text\n\n— na+me AAAAAAAA\n', 'malformed signature'],
      [NOTE.slice(0, -1), 'cut off'],
      [NOTE.replace('This', 'Th\ris'), 'control characters'],
      [NOTE.replace('This', 'Th\ud800is'), 'control characters'],
      [`${'x'.repeat(1_000_001)}`, 'too long'],
      [NOTE + NOTE.slice(NOTE.indexOf('—')).repeat(100), 'too many signatures'],
    ] as const)
      expect(() => parseNote(text), text.slice(0, 40)).to.throw(IntegrityError, reason);
  });

  it('rejects a verifier key of another form, kind, or id', () => {
    const [name, , key = ''] = VKEY.split('+');
    for (const [text, reason] of [
      ['', 'has the form'],
      [`${name}+530d903a`, 'has the form'],
      [`${name}+530d903a+${key.slice(0, -2)}!!`, 'has the form'],
      [`${name}+530d903b+${key}`, 'does not belong'],
      [`other+530d903a+${key}`, 'does not belong'],
      [`${name}+530d903a+${Buffer.from(key, 'base64').fill(2, 0, 1).toString('base64')}`, 'not an Ed25519'],
    ] as const)
      expect(() => parseVkey(text), text).to.throw(IntegrityError, reason);
  });
});

describe('integrity: checkpoints', () => {
  const { verifier, pem } = newKey('example.com/log');
  const root = Buffer.from(EMPTY_ROOT, 'latin1').toString('base64');
  const signed = (text: string) => resolveSigner('integrity', 'example.com/log', { pem }).sign(text);

  it('holds origin, size and root', async () => {
    const note = await signed(`example.com/log\n9007199254740991\n${root}\n`);
    expect(openCheckpoint(note, [verifier])).to.deep.equal({
      origin: 'example.com/log',
      size: Number.MAX_SAFE_INTEGER,
      root: EMPTY_ROOT,
      note,
    });
  });

  it('passes over extension lines, and rejects every other departure from the form', () => {
    expect(parseTreeHead(`o\n1\n${root}\nextension\n`).size).to.equal(1);
    for (const text of [
      `o\n1\n${root}`,
      `\n1\n${root}\n`,
      `o\n01\n${root}\n`,
      `o\n-1\n${root}\n`,
      `o\n1e3\n${root}\n`,
      `o\n9007199254740992\n${root}\n`,
      `o\n1\n${root.slice(4)}\n`,
      `o\n1\n${root}\n\n`,
      `o\n1\n`,
    ])
      expect(() => parseTreeHead(text), JSON.stringify(text)).to.throw(IntegrityError, 'not a checkpoint');
  });

  it('is not taken from a log of another name, whoever signed it', async () => {
    const note = await signed(`example.com/other\n0\n${root}\n`);
    expect(() => openCheckpoint(note, [verifier])).to.throw(IntegrityError, 'signed by another');
  });

  it('is found in a file of many, and one that was cut off is told apart', async () => {
    const notes = [
      await signed(`example.com/log\n1\n${root}\n`),
      await signed(`example.com/log\n2\n${root}\n`),
    ];
    expect(splitNotes(notes.join(''))).to.deep.equal({ notes, rest: '' });
    expect(splitNotes(`${notes.join('')}example.com/log\n3`)).to.deep.equal({
      notes,
      rest: 'example.com/log\n3',
    });
    const witnessed = `${notes[0]}— witness ${Buffer.alloc(68).toString('base64')}\n`;
    expect(splitNotes(witnessed + notes[1])).to.deep.equal({ notes: [witnessed, notes[1]], rest: '' });
    expect(splitNotes('')).to.deep.equal({ notes: [], rest: '' });
  });
});

describe('integrity: a key of another kind', () => {
  it('signs no notes', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => resolveSigner('integrity', 'log', { pem })).to.throw('expected ed25519');
  });
});
