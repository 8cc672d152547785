import { expect } from 'chai';
import { ConfigError, SinkError } from '../../lib/errors.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { retryAfterMs } from '../../lib/sinks/httpRequest.js';
import { backoffMs } from '../../lib/sinks/backoff.js';
import { retrying } from '../../lib/sinks/retry.js';
import type { Sink, SinkResult } from '../../lib/sinks/sink.js';
import { sampleRecord } from '../support/sampleRecords.js';

const later = (more: { settled?: number; retryAfterMs?: number } = {}): SinkResult => ({
  status: 'retryable',
  error: new SinkError('memory', 'not now'),
  ...more,
});

/** A sink that answers as it is told, and notes what it was given. */
function scripted(...answers: (SinkResult | undefined)[]): Sink & { given: number[][] } {
  const given: number[][] = [];
  const emit = (records: readonly AuditRecord[]): SinkResult | undefined => {
    given.push(records.map(({ seq }) => seq));
    return answers.shift();
  };
  return { name: 'memory', emit: emit as Sink['emit'], given };
}

const records = [0, 1, 2].map((index) => sampleRecord(index));
const quick = { initialDelayMs: 0, maxDelayMs: 0 };

describe('retrying', () => {
  it('gives a batch again until it is taken', async () => {
    const sink = scripted(later(), later());
    expect(await retrying(sink, quick).emit(records)).to.deep.equal({ status: 'delivered' });
    expect(sink.given).to.deep.equal([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  it('gives only what is not settled', async () => {
    const sink = scripted(later({ settled: 1 }), later({ settled: 1 }));
    await retrying(sink, quick).emit(records);
    expect(sink.given).to.deep.equal([[0, 1, 2], [1, 2], [2]]);
  });

  it('says how much of the whole batch is settled when it gives up', async () => {
    const sink = scripted(later({ settled: 1 }), later({ settled: 1 }));
    const result = await retrying(sink, { ...quick, maxAttempts: 2 }).emit(records);
    expect(result).to.include({ status: 'retryable', settled: 2 });
  });

  it('does not repeat what failed for good', async () => {
    const sink = scripted({ status: 'permanent', error: new Error('never') });
    expect(await retrying(sink, quick).emit(records)).to.include({ status: 'permanent' });
    expect(sink.given).to.have.length(1);
  });

  it('does not start a pause that ends after the deadline', async () => {
    const sink = scripted(later({ retryAfterMs: 60_000 }));
    const result = await retrying(sink, { ...quick, timeoutMs: 1000 }).emit(records);
    expect(result).to.include({ status: 'retryable', retryAfterMs: 60_000 });
    expect(sink.given).to.have.length(1);
  });

  it('passes name, flush and close on', async () => {
    const calls: string[] = [];
    const inner: Sink = {
      name: 'memory',
      emit: () => undefined,
      flush: async () => void calls.push('flush'),
      close: async () => void calls.push('close'),
    };
    const outer = retrying(inner);
    await outer.flush?.();
    await outer.close?.();
    expect([outer.name, ...calls]).to.deep.equal(['memory', 'flush', 'close']);
  });

  it('refuses options that cannot work', () => {
    const sink = scripted();
    expect(() => retrying(sink, { maxAttempts: 0 })).to.throw(ConfigError);
    expect(() => retrying(sink, { timeoutMs: -1 })).to.throw(ConfigError);
    expect(() => retrying(sink, { tries: 1 } as never)).to.throw(ConfigError);
  });
});

describe('backoffMs', () => {
  it('is anything from none to a bound that doubles up to its maximum', () => {
    const bounds = { initialDelayMs: 100, maxDelayMs: 350 };
    for (const [attempt, bound] of [
      [1, 100],
      [2, 200],
      [3, 350],
      [60, 350],
    ] as const) {
      const pauses = Array.from({ length: 2000 }, () => backoffMs(attempt, 0, bounds));
      expect(Math.max(...pauses)).to.be.within(bound * 0.9, bound);
      expect(Math.min(...pauses)).to.be.within(0, bound * 0.1);
    }
  });

  it('is never less than the receiver asked for', () => {
    expect(backoffMs(1, 60_000)).to.equal(60_000);
  });
});

describe('retryAfterMs', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');
  const cases: [string | null, number | undefined][] = [
    ['0', 0],
    ['120', 120_000],
    ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
    ['Wed, 21 Oct 2020 07:28:00 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ];
  for (const [value, expected] of cases)
    it(`reads ${value}`, () => {
      expect(retryAfterMs(value, now)).to.equal(expected);
    });
});
