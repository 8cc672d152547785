import { expect } from 'chai';
import { sign } from 'node:crypto';
import { IntegrityError } from '../../../lib/errors.js';
import {
  formatTreeHead,
  openCheckpoint,
  parseTreeHead,
  splitNotes,
} from '../../../lib/integrity/tlog/checkpoint.js';
import { EMPTY_ROOT, hashToBase64 } from '../../../lib/integrity/tlog/merkle.js';
import {
  formatNote,
  isKeyName,
  parseNote,
  parseVkey,
  verifyNote,
  type NoteSignature,
} from '../../../lib/integrity/tlog/note.js';
import { parseConsistencyProof, parseTlogProof } from '../../../lib/integrity/tlog/tlogProof.js';
import { newKey } from '../../support/signing.js';

const ROOT = hashToBase64(EMPTY_ROOT);
const log = newKey('log');
const witness = newKey('witness');
const signedBy = ({ privateKey, verifier }: typeof log, text: string): NoteSignature => ({
  name: verifier.name,
  keyId: verifier.keyId,
  signature: sign(null, Buffer.from(text), privateKey),
});
/** A signature line with so many bytes, key id included. */
const signatureOf = (bytes: number) => `— name ${Buffer.alloc(bytes, 1).toString('base64')}\n`;

describe('integrity: the form of a note', () => {
  for (const [what, note] of [
    ['a tab', `a\tb\n\n${signatureOf(68)}`],
    ['a NUL', `a\0b\n\n${signatureOf(68)}`],
    ['an escape', `a\u001bb\n\n${signatureOf(68)}`],
    ['half a surrogate pair', `a\udc00b\n\n${signatureOf(68)}`],
    ['a signature with a word before the dash', `text\n\nx${signatureOf(68)}`],
    ['a signature with a word behind it', `text\n\n${signatureOf(68).trim()} x\n`],
    ['a signature with two spaces', `text\n\n${signatureOf(68).replace(' name', '  name')}`],
    ['a signature with a hyphen', `text\n\n${signatureOf(68).replace('—', '-')}`],
    ['a signature that is a key id only', `text\n\n${signatureOf(4)}`],
    ['a blank line among the signatures', `text\n\n${signatureOf(68)}\n`],
    ['no signature', 'text\n\n'],
    ['a last line without its end', `text\n\n${signatureOf(68).trim()}`],
    ['101 signatures', `text\n\n${signatureOf(68).repeat(101)}`],
    ['more than a million characters', `${'x'.repeat(1_000_000)}\n\n${signatureOf(68)}`],
  ] as const) {
    it(`allows no ${what}`, () =>
      expect(() => parseNote(note)).to.throw(IntegrityError, 'not a signed note'));
  }

  for (const [what, text, signatures] of [
    ['blank lines in its text', 'a\n\nb\n', signatureOf(68)],
    ['characters of every script, and DEL', 'ünï — 漢字 😀 \u007f\u0085\u009f\n', signatureOf(68)],
    ['a signature of one byte', 'text\n', signatureOf(5)],
    ['100 signatures', 'text\n', signatureOf(68).repeat(100)],
    ['a million characters', `${'x'.repeat(1_000_000 - 2 - signatureOf(68).length)}\n`, signatureOf(68)],
  ] as const) {
    it(`allows ${what}`, () => {
      const note = parseNote(`${text}\n${signatures}`);
      expect(note.text === text, 'the text is what stands before the blank line').to.equal(true);
      expect(note.signatures).to.have.length(signatures.split('\n').length - 1);
      expect(formatNote(note) === `${text}\n${signatures}`, 'it comes back').to.equal(true);
    });
  }

  it('names keys without spaces, plus and control characters', () => {
    for (const name of ['a', 'audit.example.com/agents', 'ünï', '漢字', '😀'])
      expect(isKeyName(name), name).to.equal(true);
    for (const name of ['', ' ', 'a b', 'a+b', 'a\tb', 'a\u0007b', 'a\u0085b', 'a\u3000b', '\ud83d'])
      expect(isKeyName(name), JSON.stringify(name)).to.equal(false);
  });

  it('is signed by whoever is known, each told once, in the order of the lines', () => {
    const [one, two] = [signedBy(log, 'text\n'), signedBy(witness, 'text\n')];
    const note = formatNote({ text: 'text\n', signatures: [two, one, one] });
    expect(verifyNote(note, [log.verifier, witness.verifier])).to.deep.equal({
      text: 'text\n',
      signers: [witness.verifier, log.verifier],
    });
  });

  it('is not signed by a key of the same name and another id, or the other way round', () => {
    const signature = signedBy(log, 'text\n');
    for (const change of [{ name: 'other' }, { keyId: '00000000' }]) {
      const note = formatNote({ text: 'text\n', signatures: [{ ...signature, ...change }] });
      expect(() => verifyNote(note, [log.verifier])).to.throw(IntegrityError, 'not signed by a key');
    }
  });
});

describe('integrity: the form of a verifier key', () => {
  const [name, id, key = ''] = log.vkey.split('+');
  const withKey = (bytes: Buffer) => `${name}+${id}+${bytes.toString('base64')}`;
  const raw = Buffer.from(key, 'base64');

  it('may have space around it', () => {
    expect(parseVkey(` ${log.vkey}\n`).keyId).to.equal(id);
  });

  for (const [what, vkey] of [
    ['a plus before it', `+${log.vkey}`],
    ['a word behind it', `${log.vkey} x`],
    ['a space in its name', `a ${log.vkey}`],
    ['an id of seven digits', `${name}+${id?.slice(1)}+${key}`],
    ['an id of nine digits', `${name}+0${id}+${key}`],
    ['an id in capitals', `${name}+ABCDEF01+${key}`],
    ['a byte too few', withKey(raw.subarray(0, -1))],
    ['a byte too many', withKey(Buffer.concat([raw, Buffer.of(0)]))],
    ['no key', `${name}+${id}+`],
    ['no name', `+${id}+${key}`],
  ] as const) {
    it(`has not ${what}`, () => expect(() => parseVkey(vkey)).to.throw(IntegrityError));
  }
});

describe('integrity: the form of a checkpoint', () => {
  for (const [what, text] of [
    ['a size with a letter behind it', `o\n1x\n${ROOT}\n`],
    ['a size with a sign', `o\n+1\n${ROOT}\n`],
    ['a size of 17 digits', `o\n10000000000000000\n${ROOT}\n`],
    ['no size', `o\n\n${ROOT}\n`],
    ['an extension without its end', `o\n1\n${ROOT}\nextension`],
    ['a blank line before an extension', `o\n1\n${ROOT}\n\nextension\n`],
    ['no root', 'o\n1\nextension\n'],
    ['nothing', ''],
  ] as const) {
    it(`has not ${what}`, () =>
      expect(() => parseTreeHead(text)).to.throw(IntegrityError, 'not a checkpoint'));
  }

  it('is told what it lacks where it is too short', () => {
    for (const text of ['', 'o\n', 'o\n1\n'])
      expect(() => parseTreeHead(text), text).to.throw(IntegrityError, 'needs origin, size and root');
  });

  it('has any size that is a number, written in its one form', () => {
    for (const size of [0, 9, 10, 1234, 9007199254740991])
      expect(parseTreeHead(formatTreeHead({ origin: 'o', size, root: EMPTY_ROOT }))).to.deep.equal({
        origin: 'o',
        size,
        root: EMPTY_ROOT,
      });
  });

  it('may be signed by witnesses beside its log, not by them alone', () => {
    const text = formatTreeHead({ origin: 'log', size: 0, root: EMPTY_ROOT });
    const verifiers = [witness.verifier, log.verifier];
    const both = formatNote({ text, signatures: [signedBy(witness, text), signedBy(log, text)] });
    expect(openCheckpoint(both, verifiers)).to.include({ origin: 'log', size: 0, note: both });
    const alone = formatNote({ text, signatures: [signedBy(witness, text)] });
    expect(() => openCheckpoint(alone, verifiers)).to.throw(IntegrityError, 'signed by another');
  });

  it('ends with its signature lines, where several stand in one file', () => {
    const note = (text: string, lines: number) => `${text}\n\n${signatureOf(68).repeat(lines)}`;
    const notes = [note('a', 1), note('b — c', 3), note('d', 2)];
    expect(splitNotes(notes.join(''))).to.deep.equal({ notes, rest: '' });
    const cut = notes.join('').slice(0, -1);
    expect(splitNotes(cut).notes.join('') + splitNotes(cut).rest).to.equal(cut);
    for (const text of ['— no signature at the start\nof a file', 'a — b\n', '—\n', 'a\n—b\n'])
      expect(splitNotes(text)).to.deep.equal({ notes: [], rest: text });
  });
});

describe('integrity: the form of a proof', () => {
  const proofOf = (size: string, hashes = '') => `c2sp.org/tlog-proof@v1\n${size}\n${hashes}\ncheckpoint`;
  const many = (count: number) => `${ROOT}\n`.repeat(count);

  it('has 63 hashes at most, and any index that is a number', () => {
    for (const [index, count] of [
      [0, 0],
      [10, 1],
      [9007199254740991, 63],
    ] as const) {
      const hashes = Array.from({ length: count }, () => EMPTY_ROOT);
      expect(parseTlogProof(proofOf(`index ${index}`, many(count)))).to.deep.equal({
        index,
        hashes,
        checkpoint: 'checkpoint',
      });
      expect(parseConsistencyProof(`old ${index}\n${many(count)}\ncheckpoint`)).to.deep.equal({
        older: index,
        hashes,
        checkpoint: 'checkpoint',
      });
    }
  });

  it('may carry data, also none of it', () => {
    for (const data of [Buffer.of(), Buffer.from('{"a":1}')]) {
      const text = proofOf(`extra ${data.toString('base64')}\nindex 1`);
      expect(parseTlogProof(text).extra).to.deep.equal(data);
    }
    expect(parseTlogProof(proofOf('index 1'))).to.not.have.property('extra');
  });

  for (const size of ['', ' 1', '1 ', '01', '1x', 'x1', '-1', '10000000000000000', '9007199254740992'])
    it(`has no number written as ${JSON.stringify(size)}`, () => {
      expect(() => parseTlogProof(proofOf(`index ${size}`))).to.throw(IntegrityError, 'not a proof');
      expect(() => parseConsistencyProof(`old ${size}\n\nnote`)).to.throw(IntegrityError, 'not a proof');
    });

  it('has its number behind the word that tells what it is', () => {
    expect(() => parseTlogProof(proofOf('old 1'))).to.throw(IntegrityError, 'not a proof');
    expect(() => parseConsistencyProof('index 1\n\nnote')).to.throw(IntegrityError, 'not a proof');
  });

  for (const [what, text] of [
    ['64 hashes', proofOf('index 1', many(64))],
    ['a hash that is cut off', proofOf('index 1', `${ROOT.slice(1)}\n`)],
    ['data that is no Base64', proofOf('extra !\nindex 1')],
    ['data without a space', proofOf('extra\nindex 1')],
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 1\n'],
    ['another header', proofOf('index 1').slice(1)],
  ] as const) {
    it(`has not ${what}`, () => expect(() => parseTlogProof(text)).to.throw(IntegrityError));
  }
});
