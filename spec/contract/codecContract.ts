import { expect } from 'chai';
import type { Codec } from '../../lib/codecs/codec.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { hostileRecord, sampleRecord, sampleRecords } from '../support/sampleRecords.js';

/** What a codec must be able to do, and the inverse of it where it has one (a projection has none). */
export interface CodecCase {
  make: () => Codec | Promise<Codec>;
  /** Decodes one encoded record. */
  decode?: (bytes: Uint8Array) => AuditRecord;
  /** Decodes one encoded batch. */
  decodeBatch?: (bytes: Uint8Array) => AuditRecord[];
  /** Whether an encoded record is text that must be one harmless line. */
  text?: boolean;
}

/** Every character that may end a line, drive a terminal or reverse a text. */
const RAW_HARM = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** The tests that every codec passes. */
export function codecContract(name: string, { make, decode, decodeBatch, text = true }: CodecCase): void {
  describe(`${name} keeps the codec contract`, () => {
    let codec: Codec;
    before(async () => {
      codec = await make();
    });

    it('has a name and media types', () => {
      expect(codec.name).to.match(/^[a-z][a-z0-9.-]+$/);
      expect(codec.contentType).to.match(/^application\/[a-z-]+$/);
      expect(codec.batchContentType).to.match(/^application\/[a-z-]+/);
    });

    it('is pure: the same bytes for the same record, which stays as it was', () => {
      const record = hostileRecord();
      const before = structuredClone(record);
      expect(Buffer.from(codec.encode(record))).to.deep.equal(Buffer.from(codec.encode(record)));
      expect(record).to.deep.equal(before);
    });

    it('gives the same bytes whatever the order of the fields was', () => {
      const record = sampleRecord();
      const reversed = Object.fromEntries(Object.entries(record).reverse()) as unknown as AuditRecord;
      expect(Buffer.from(codec.encode(reversed))).to.deep.equal(Buffer.from(codec.encode(record)));
    });

    it('encodes an empty batch', () => {
      expect(codec.encodeBatch([])).to.be.instanceOf(Uint8Array);
    });

    if (text) {
      it('writes well-formed UTF-8 on one line without a raw control character', () => {
        for (const record of sampleRecords()) {
          const line = new TextDecoder('utf-8', { fatal: true }).decode(codec.encode(record));
          expect(line).not.to.match(RAW_HARM);
        }
      });
    }

    if (decode) {
      it('decodes to the record that was encoded', () => {
        for (const record of sampleRecords()) expect(decode(codec.encode(record))).to.deep.equal(record);
      });
    }

    if (decodeBatch) {
      it('decodes a batch to its records, in order', () => {
        const records = sampleRecords();
        expect(decodeBatch(codec.encodeBatch(records))).to.deep.equal(records);
        expect(decodeBatch(codec.encodeBatch([]))).to.deep.equal([]);
      });
    }
  });
}
