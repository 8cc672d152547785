// Feeds each reader by itself: behind a sink or a command, an earlier reader would refuse most of the mutated bytes.
import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeProtobuf,
  decodeProtobufBatch,
  decodeProtojson,
  protobufCodec,
} from '../../lib/codecs/protobuf.js';
import { decodeLine, encodeLine } from '../../lib/codecs/json.js';
import { IntegrityError } from '../../lib/errors.js';
import { parseCheckpoint, splitNotes } from '../../lib/integrity/tlog/checkpoint.js';
import { readLines } from '../../lib/integrity/storage/segments.js';
import { parseNote, parseVkey } from '../../lib/integrity/tlog/note.js';
import { parseConsistencyProof, parseTlogProof } from '../../lib/integrity/tlog/tlogProof.js';
import { decodeEntry, encodeEntry } from '../../lib/sinks/spool/files.js';
import { sampleRecord } from '../support/sampleRecords.js';

const RUNS = { numRuns: 2_000 };

/** Bytes of any kind, and bytes that are almost right: something valid with a few of its bytes changed. */
function bytesLike(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const damage = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  return fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    damage.map((changes) => {
      const bytes = Uint8Array.from(valid);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    }),
    fc.nat(valid.length).map((length) => valid.slice(0, length)),
  );
}

/** The error of a call, if it has one; it must be of the class that is promised. */
function onlyThrows(kind: new (...args: never[]) => Error, run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(kind);
  }
}

const NOTE = `audit.example.com/agents
3
qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=

— audit.example.com/agents Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;

describe('bytes of any kind', () => {
  it('are a record in protobuf, or a SyntaxError', () => {
    fc.assert(
      fc.property(bytesLike(protobufCodec().encode(sampleRecord(0))), (bytes) => {
        onlyThrows(SyntaxError, () => decodeProtobuf(bytes));
        onlyThrows(SyntaxError, () => decodeProtobufBatch(bytes));
      }),
      RUNS,
    );
  });

  it('are a record in JSON, or a SyntaxError', () => {
    const valid = Buffer.from(encodeLine(sampleRecord(0)));
    fc.assert(
      fc.property(bytesLike(valid), (bytes) => {
        const text = Buffer.from(bytes).toString();
        onlyThrows(SyntaxError, () => decodeLine(text));
        onlyThrows(SyntaxError, () => decodeProtojson(text));
      }),
      RUNS,
    );
  });

  it('are an entry of a spool that is what was written, or none', () => {
    const valid = encodeEntry(encodeLine(sampleRecord(0)), 7).subarray(0, -1);
    const written = decodeEntry(valid);
    fc.assert(
      fc.property(bytesLike(valid), (bytes) => {
        const entry = decodeEntry(bytes);
        if (entry !== undefined) expect(entry).to.deep.equal(written);
      }),
      RUNS,
    );
  });

  it('are a note, a checkpoint, a key or a proof, or an IntegrityError', () => {
    const proof = `c2sp.org/tlog-proof@v1\nindex 2\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n${NOTE}`;
    for (const parse of [parseNote, parseCheckpoint, parseVkey, parseTlogProof, parseConsistencyProof])
      for (const valid of [NOTE, proof])
        fc.assert(
          fc.property(bytesLike(Buffer.from(valid)), (bytes) => {
            onlyThrows(IntegrityError, () => parse(Buffer.from(bytes).toString()));
          }),
        );
    fc.assert(
      fc.property(bytesLike(Buffer.from(NOTE + NOTE)), (bytes) => {
        const { notes, rest } = splitNotes(Buffer.from(bytes).toString());
        expect(notes.join('') + rest).to.equal(Buffer.from(bytes).toString());
      }),
    );
  });

  it('are lines, whatever pieces they come in, and nothing of them is lost', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pieces, async (chunks) => {
        let offset = 0;
        const source = Readable.from(
          chunks.map((data) => {
            const chunk = { data: Buffer.from(data), segment: 'log', offset };
            offset += data.length;
            return chunk;
          }),
        );
        const whole: Uint8Array[] = [];
        for await (const lines of readLines(source))
          for (const { bytes, torn } of lines) whole.push(bytes, torn ? Buffer.of() : Buffer.of(0x0a));
        expect(Buffer.concat(whole).equals(Buffer.concat(chunks))).to.equal(true);
      }),
    );
  });
});
