import { expect } from 'chai';
import fc from 'fast-check';
import { toJsonLine } from '../../lib/codecs/codec.js';
import { writeLogsData } from '../../lib/cli/formats/otlp.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { sampleLog } from '../support/sampleLog.js';

const [RECORD] = [...sampleLog({ records: 1 })] as [AuditRecord];

function written(records: readonly AuditRecord[]): string {
  let text = '';
  writeLogsData(records, (part) => (text += part));
  return text;
}

describe('export --format otlp: the text', () => {
  it('is what a writer of JSON would make of the same values, in printable characters, whatever they are', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\ud800', 'a\u007f"\\', '\u202e', '\n'),
    );
    fc.assert(
      fc.property(
        texts,
        texts,
        fc.dictionary(texts, fc.oneof(texts, fc.integer())),
        (actor, message, resource) => {
          const record = { ...RECORD, actor_id: actor, message, otel_resource: resource };
          const text = written([RECORD, record]);
          expect(text).to.equal(`${toJsonLine(JSON.parse(text))}\n`);
          const [{ resource: of, scopeLogs }] = (
            JSON.parse(text) as {
              resourceLogs: [
                { resource: object; scopeLogs: [{ logRecords: { body: { stringValue: string } }[] }] },
              ];
            }
          ).resourceLogs;
          expect(of).to.have.property('attributes').that.is.an('array');
          const bodies = scopeLogs[0].logRecords.map(
            ({ body }) => JSON.parse(body.stringValue) as AuditRecord,
          );
          expect(bodies.map(({ record_id }) => record_id)).to.deep.equal([
            record.record_id,
            record.record_id,
          ]);
          expect(bodies[1]?.message).to.equal(Buffer.from(message).toString());
        },
      ),
    );
  });
});
