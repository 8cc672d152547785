// Feeds each reader of evidence by itself: behind the command, an earlier reader would refuse most of the mutated bytes.
import { expect } from 'chai';
import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { IntegrityError } from '../../lib/errors.js';
import { formatSegmentList, parseSegmentList, parseState } from '../../lib/integrity/storage/files.js';
import { formatNote, parseNote } from '../../lib/integrity/tlog/note.js';
import { requireGranted, timestampRequest } from '../../lib/integrity/sealing/timestamps.js';
import { formatConsistencyProof, parseConsistencyProof } from '../../lib/integrity/tlog/tlogProof.js';
import { cosign, cosignaturesOf } from '../../lib/integrity/tlog/checkpoint.js';
import { parsePolicy } from '../../lib/integrity/tlog/policy.js';
import { newWitnessKey } from '../support/signing.js';

const TEXT = 'audit.example.com/agents\n3\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n';
const NAME = 'witness.example/w1';
const key = newWitnessKey(NAME);
const line = cosign(TEXT, NAME, key.privateKey, createPublicKey(key.privateKey), 1_679_315_147);
const NOTE = formatNote({ text: TEXT, signatures: [line] });
const HASH = Buffer.alloc(32, 7).toString('latin1');

/** Text of any kind, and text that is almost right: something valid with bytes of it changed, doubled or cut. */
function textLike(valid: string): fc.Arbitrary<string> {
  const bytes = Buffer.from(valid);
  const place = fc.nat(bytes.length - 1);
  const changed = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
    const copy = Buffer.from(bytes);
    for (const [at, value] of changes) copy[at] = value;
    return copy.toString();
  });
  const cut = place.map((at) => bytes.subarray(0, at).toString());
  const doubled = fc.tuple(place, place).map(([from, to]) => {
    const piece = bytes.subarray(Math.min(from, to), Math.max(from, to));
    return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]).toString();
  });
  return fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), changed, cut, doubled);
}

/** What a reader gives, or nothing where it says, with the error that is promised, that it is none. */
function read<T>(reader: () => T): T | undefined {
  try {
    return reader();
  } catch (error) {
    expect(error).to.be.instanceOf(IntegrityError);
    return undefined;
  }
}

describe('evidence of any kind', () => {
  const RUNS = { numRuns: 1_000 };

  it('is a cosigned note, or an IntegrityError; what a known witness did not sign is never taken for its word', () => {
    fc.assert(
      fc.property(textLike(NOTE), (text) => {
        const found = read(() => cosignaturesOf(text, [key.verifier]));
        // A signature line may be there twice, and others beside it; the text that was signed is the one.
        if (found !== undefined && found.length > 0) expect(parseNote(text).text).to.equal(TEXT);
      }),
      RUNS,
    );
  });

  it('is a request to a witness, which reads back as it was, or an IntegrityError', () => {
    const valid = formatConsistencyProof({ older: 2, hashes: [HASH, HASH], checkpoint: NOTE });
    fc.assert(
      fc.property(textLike(valid), (text) => {
        const request = read(() => parseConsistencyProof(text));
        if (request !== undefined) expect(formatConsistencyProof(request)).to.equal(text);
      }),
      RUNS,
    );
  });

  it('is a policy, or an IntegrityError', () => {
    const valid = `log ${key.vkey.replace(NAME, 'x')}\nwitness a ${key.vkey} https://w.example/\ngroup g 1 a\nquorum g\n`;
    fc.assert(
      fc.property(textLike(valid), (text) => {
        const policy = read(() => parsePolicy(text));
        if (policy !== undefined) expect(policy.isMetBy([])).to.be.a('boolean');
      }),
      RUNS,
    );
    for (const depth of [10, 10_000]) {
      const groups = Array.from(
        { length: depth },
        (_, i) => `group g${i} 1 ${i === 0 ? 'a' : `g${i - 1}`}\n`,
      );
      const deep = `witness a ${key.vkey}\n${groups.join('')}quorum g${depth - 1}\n`;
      read(() => parsePolicy(deep).isMetBy([key.verifier]));
    }
  });

  it('is a list of segments, or an IntegrityError', () => {
    const segments = [{ file: 'audit.jsonl.1', first: 0, count: 7 }];
    const valid = formatSegmentList({ version: 1, segments, current: 7 });
    fc.assert(
      fc.property(textLike(valid), (text) => void read(() => parseSegmentList(text))),
      RUNS,
    );
  });

  it('is a state, or nothing', () => {
    const valid = `{"version":1,"size":1,"subtrees":["${Buffer.alloc(32).toString('base64')}"],"segment":0,"offset":9,"closed":true}`;
    fc.assert(
      fc.property(fc.oneof(textLike(valid), fc.json()), (text) => {
        const state = parseState(text);
        if (state !== undefined) expect(state.subtrees.every((hash) => hash.length === 32)).to.equal(true);
      }),
      RUNS,
    );
  });

  it('is an answer that grants a timestamp, or an IntegrityError', () => {
    const request = timestampRequest(TEXT);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(read(() => (requireGranted(Buffer.from(bytes), request), true))).to.equal(undefined);
      }),
      RUNS,
    );
  });
});
