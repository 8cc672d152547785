import { expect } from 'chai';
import fc from 'fast-check';
import { LineForms } from '../../lib/codecs/json.js';
import { toJsonLine } from '../../lib/codecs/codec.js';
import { inFixedOrder } from '../../lib/codecs/profile.js';
import type { AuditRecord, McpDetail } from '../../lib/schema/record.js';
import { bareRecord, HOSTILE_TEXT, sampleRecord, sampleRecords } from '../support/sampleRecords.js';

/** What the codec makes of a record by itself. */
const wholeLine = (record: AuditRecord): string => toJsonLine(inFixedOrder(record));

const call = (
  index: number,
  changes: Partial<AuditRecord> = {},
  mcp: Partial<McpDetail> = {},
): AuditRecord => {
  const record = sampleRecord(index);
  return { ...record, ...changes, mcp: { ...record.mcp!, request_id: String(index), ...mcp } };
};

/** The lines that forms make, of which undefined means that the record is encoded as a whole. */
const linesOf = (records: readonly AuditRecord[]): (string | undefined)[] => {
  const forms = new LineForms();
  return records.map((record) => forms.lineOf(record));
};

const text = fc.oneof(
  fc.constantFrom('a', 'b', '', 'tools/echo', HOSTILE_TEXT, '\ud800', '"\\', 'é\u2028'),
  fc.string({ unit: 'binary' }),
);
const json = fc.oneof(text, fc.integer(), fc.constantFrom(-0, Number.NaN, null, true), fc.jsonValue());
const changes: fc.Arbitrary<Partial<AuditRecord>> = fc.record(
  {
    actor_id: text,
    resource: text,
    duration_ms: fc.constantFrom(0, -0, 1.25, Number.NaN, 1e21),
    parent_span_id: text,
    tenant_id: text,
    session_id: text,
    policy_tags: fc.oneof(fc.array(text), fc.constant(Object.freeze(['soc2']))),
    data: json,
  },
  { requiredKeys: [] },
);
const detail: fc.Arbitrary<Partial<McpDetail>> = fc.record(
  {
    tool_name: fc.constantFrom('echo', 'pay'),
    tool_arguments: json,
    server_address: text,
    http_status: fc.integer({ min: 200, max: 599 }),
    tool_annotations: json,
    roots: json,
    task_id: text,
  },
  { requiredKeys: [] },
);

describe('the lines of records that have much in common', () => {
  it('are, from the second on, put together of what was encoded before', () => {
    const records = [call(1), call(2), call(3)];
    expect(linesOf(records)).to.deep.equal([undefined, ...records.slice(1).map(wholeLine)]);
  });

  it('are what the codec makes of each record by itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(changes, detail), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        (parts, likeTheFirst) => {
          const forms = new LineForms();
          parts.forEach(([change, mcp], index) => {
            // Every second record is one that was there before, with other ids.
            const [first, firstMcp] = parts[0]!;
            const isAgain = likeTheFirst && index % 2 === 1;
            const record = inFixedOrder(isAgain ? call(index, first, firstMcp) : call(index, change, mcp));
            const line = forms.lineOf(record);
            if (line !== undefined) expect(line).to.equal(wholeLine(record));
          });
        },
      ),
    );
  });

  it('are encoded as a whole where a record is hostile, failed or has no method', () => {
    const forms = new LineForms();
    for (const record of [...sampleRecords(), ...sampleRecords(), bareRecord(1)]) {
      const line = forms.lineOf(record);
      if (line !== undefined) expect(line).to.equal(wholeLine(record));
      if (record.error !== undefined || record.mcp === undefined) expect(line).to.equal(undefined);
    }
  });

  it('show a field that was the same in all records until now, and differs in this one', () => {
    const records = [
      call(1),
      call(2),
      call(3, { actor_id: 'other' }),
      call(4),
      call(5, { actor_id: 'third' }),
    ];
    const [, second, third, ...others] = linesOf(records);
    expect(second).to.contain('"actor_id":"agent-7"');
    expect(third, 'learns that actors differ').to.equal(undefined);
    expect(others).to.deep.equal(records.slice(3).map(wholeLine));
  });

  it('show what was changed in a list that several records share', () => {
    const policyTags = ['soc2'];
    const forms = new LineForms();
    forms.lineOf(call(1, { policy_tags: policyTags }));
    policyTags.push('pci');
    const record = call(2, { policy_tags: policyTags });
    expect(forms.lineOf(record)).to.equal(wholeLine(record));
  });

  it('have no field that stands in other records alone', () => {
    const forms = new LineForms();
    forms.lineOf(call(1));
    const { tenant_id: _, ...without } = call(2);
    for (const record of [without, call(3)]) {
      forms.lineOf(record);
      expect(forms.lineOf(record)).to.equal(wholeLine(record));
    }
  });

  it('leave a record with a field that is not known to the codec, which puts it behind the others', () => {
    const forms = new LineForms();
    const record = { zebra: 1, ...call(1) };
    for (let again = 0; again < 3; again++) expect(forms.lineOf(record)).to.equal(undefined);
  });

  it('leave a record that writes its JSON itself to the codec', () => {
    const forms = new LineForms();
    forms.lineOf(call(1));
    const own = Object.defineProperty(call(2), 'toJSON', { value: () => 'its own' });
    expect(forms.lineOf(own)).to.equal(undefined);
  });
});
