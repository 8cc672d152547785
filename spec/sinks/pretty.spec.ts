import { expect } from 'chai';
import type { Outcome } from '../../lib/schema/record.js';
import { OUTCOMES } from '../../lib/schema/tables.js';
import { prettyRecord } from '../../lib/sinks/stdoutSink.js';
import { hostileRecord, sampleRecord } from '../support/sampleRecords.js';

describe('prettyRecord', () => {
  it('shows when, what became of it, what, how long, who and where to look', () => {
    const [head, detail] = prettyRecord(sampleRecord(), { colors: false }).split('\n');
    expect(head).to.equal(
      '09:30:00.125  ✔ success       tools/echo                         12.3 ms  agent-7  ' +
        '@everything  trace 4bf92f3577b34da6a3ce929d0e0e4736',
    );
    expect(detail?.trim()).to.equal('{"message":"hello","nested":{"list":[1,2.5,true,null]}}');
  });

  it('gives the reason of a failure', () => {
    const error = { type: '-32602', code: '-32602', message: 'Unknown tool' };
    const text = prettyRecord(sampleRecord(0, { outcome: 'OUTCOME_FAILURE_ERROR', error }), {
      colors: false,
    });
    expect(text)
      .to.contain('✘ error')
      .and.to.match(/\n +-32602: Unknown tool\n/);
  });

  it('tells every outcome apart without colours', () => {
    const words = (Object.keys(OUTCOMES) as Outcome[]).map(
      (outcome) => prettyRecord(sampleRecord(0, { outcome }), { colors: false }).split(/\s+/)[2],
    );
    expect(words).to.have.members(['success', 'error', 'denied', 'unauthorized', 'partial', 'unknown']);
  });

  it('adds nothing but colours when it may', () => {
    const plain = prettyRecord(sampleRecord(), { colors: false });
    const colored = prettyRecord(sampleRecord(), { colors: true });
    expect(colored).to.contain('\u001b[32m');
    expect(colored.replace(/\u001b\[\d+m/g, '')).to.equal(plain);
  });

  it('lets no text of a record act on the terminal or add a line', () => {
    const text = prettyRecord(hostileRecord(), { colors: false });
    expect(text.split('\n')).to.have.length(3);
    expect(text.replaceAll('\n', '')).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
  });

  it('cuts a long detail at the width of the terminal, never through a character', () => {
    const text = prettyRecord(sampleRecord(0, { mcp: { method: 'x', tool_arguments: '😀'.repeat(100) } }), {
      colors: false,
      columns: 40,
    });
    const detail = text.split('\n')[1] ?? '';
    expect(Array.from(detail)).to.have.length(40);
    expect(detail).to.match(/😀…$/u);
  });
});
