import { expect } from 'chai';
import fc from 'fast-check';
import { decodeLine, encodeLine, jsonCodec } from '../../lib/codecs/json.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { bytesOfLines, toJsonLine } from '../../lib/codecs/codec.js';
import { printable } from '../../lib/internal/text.js';
import { codecContract } from '../contract/codecContract.js';
import { HOSTILE_TEXT, sampleRecord } from '../support/sampleRecords.js';

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

for (const profile of ['documented', '0.2'] as const) {
  codecContract(`json (${profile})`, {
    make: () => jsonCodec({ profile }),
    decode: (bytes) => decodeLine(text(bytes), profile),
    decodeBatch: (bytes) =>
      text(bytes)
        .split('\n')
        .slice(0, -1)
        .map((line) => decodeLine(line, profile)),
  });
}

codecContract('json (array)', {
  make: () => jsonCodec({ framing: 'array' }),
  decodeBatch: (bytes) => JSON.parse(text(bytes)) as AuditRecord[],
});

describe('encodeLine', () => {
  it('writes the fields in the order of the record table', () => {
    const keys = Object.keys(
      JSON.parse(encodeLine(sampleRecord(0, { error: { type: 'timeout' }, data: 1 }))),
    );
    expect(keys.slice(0, 6)).to.deep.equal([
      'record_id',
      'seq',
      'time',
      'duration_ms',
      'event_type',
      'outcome',
    ]);
    expect(keys.slice(-7)).to.deep.equal([
      ...['mcp', 'error', 'data', 'metadata'],
      ...['otel_resource', 'log_id', 'log_epoch'],
    ]);
  });

  it('orders the fields of mcp, error and metadata', () => {
    const line = encodeLine(sampleRecord(0, { error: { message: 'm', code: 'c', type: 't' } }));
    expect(line).to.contain('"error":{"type":"t","code":"c","message":"m"}');
  });

  it('keeps a field that it does not know, after those that it does', () => {
    const record = { later: 1, ...sampleRecord() };
    const line = encodeLine(record);
    expect(line).to.match(/"log_epoch":0,"later":1\}$/);
    expect(decodeLine(line)).to.deep.equal(record);
  });

  it('escapes every harmful character where JSON.stringify leaves it raw', () => {
    const line = encodeLine(sampleRecord(0, { message: HOSTILE_TEXT }));
    for (const escape of [
      '\\u007f',
      '\\u0085',
      '\\u009b',
      '\\u061c',
      '\\u200e',
      '\\u2028',
      '\\u2029',
      '\\u202e',
    ])
      expect(line).to.contain(escape);
    expect(line).to.contain('\\u2066\\u2069z');
  });

  it('replaces lone surrogates and nothing that only looks like one', () => {
    const message = 'x\ud83dy \ude00 \u{1f600} \\ud83d \\\\ud83d "\ud800"';
    const line = encodeLine(sampleRecord(0, { message }));
    expect(decodeLine(line).message).to.equal('x\ufffdy \ufffd \u{1f600} \\ud83d \\\\ud83d "\ufffd"');
  });

  it('is one harmless line that decodes to the same text, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const line = encodeLine(sampleRecord(0, { message, data: { [message]: message } }));
        expect(line).not.to.match(/[\n\r\u007f-\u009f\u2028\u2029]/);
        expect(decodeLine(line).message).to.equal(message);
      }),
    );
  });
});

describe('profile 0.2', () => {
  it('renames outcomes and sensitivities, and nothing else', () => {
    const record = sampleRecord(0, { outcome: 'OUTCOME_PARTIAL', sensitivity: 'SENSITIVITY_RESTRICTED' });
    const wire = JSON.parse(encodeLine(record, '0.2')) as object;
    expect(wire).to.deep.equal({ ...record, outcome: 'OUTCOME_OTHER', sensitivity: 'SENSITIVITY_SECRET' });
  });
});

describe('decodeLine', () => {
  it('refuses what is no record, without quoting it', () => {
    for (const line of ['{"password":"hunter2"', '"hunter2"', '{"a":"hunter2"}', '', 'null', '5'])
      expect(() => decodeLine(line))
        .to.throw(SyntaxError, 'not an audit record')
        .with.property('message')
        .that.does.not.contain('hunter2');
  });
});

describe('bytesOfLines', () => {
  it('are the bytes of the joined text, whatever the letters', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => {
        const joined = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        expect(bytesOfLines(lines).equals(joined)).to.equal(true);
      }),
    );
  });
});

describe('toJsonLine', () => {
  it('escapes what is harmful in plain ASCII and beside other letters', () => {
    expect(toJsonLine('a\u007fb')).to.equal('"a\\u007fb"');
    expect(toJsonLine('é\u0085\u007f')).to.equal('"é\\u0085\\u007f"');
    expect(toJsonLine('ab')).to.equal('"ab"');
  });
});

describe('printable', () => {
  it('escapes what a terminal acts on, line breaks and lone surrogates too', () => {
    expect(printable('a\u0000b\u001b[31m\n\u009b\u202e\ud800')).to.equal(
      'a\\u0000b\\u001b[31m\\u000a\\u009b\\u202e\ufffd',
    );
    expect(printable('plain é \u{1f600}')).to.equal('plain é \u{1f600}');
  });
});
