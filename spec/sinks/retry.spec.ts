import { expect } from 'chai';
import fc from 'fast-check';
import { MAX_DELAY_MS } from '../../lib/internal/duration.js';
import { ConfigError, SinkError } from '../../lib/errors.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { retryAfterMs } from '../../lib/sinks/http/transport.js';
import { backoffMs, postponement, retrying } from '../../lib/sinks/retry.js';
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
      [10, 350],
    ] as const) {
      const pauses = Array.from({ length: 2000 }, () => backoffMs(attempt, 0, bounds));
      expect(Math.max(...pauses)).to.be.within(bound * 0.9, bound);
      expect(Math.min(...pauses)).to.be.within(0, bound * 0.1);
    }
  });

  it('is never so short, after many attempts, that it becomes a hot loop', () => {
    const none = { initialDelayMs: 0, maxDelayMs: 0 };
    expect(backoffMs(10, 0, none)).to.equal(0);
    for (const attempt of [11, 100, 1e9, Infinity]) expect(backoffMs(attempt, 0, none)).to.equal(100);
  });

  it('is a delay that a timer takes, whatever a sink says that its receiver asked for', () => {
    fc.assert(
      fc.property(fc.nat(), fc.anything(), (attempt, asked) => {
        expect(backoffMs(attempt + 1, asked)).to.be.within(0, MAX_DELAY_MS);
        const { ms, notice } = postponement(asked, 60_000);
        expect(ms).to.be.within(0, 60_000);
        expect(notice !== undefined).to.equal(typeof asked === 'number' && asked > 60_000);
      }),
    );
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
    ['Wednesday, 21-Oct-26 07:28:30 GMT', 30_000],
    ['Wed Oct 21 07:28:30 2026', 30_000],
    ['Wed Oct  7 07:28:30 2026', 0],
    ['1.5', 1_500],
    [' 7 ', 7_000],
    ['7, 7', 7_000],
    ['3000000', MAX_DELAY_MS],
    ['9'.repeat(400), MAX_DELAY_MS],
    ['Fri, 31 Dec 9999 23:59:59 GMT', MAX_DELAY_MS],
    ['soon', undefined],
    ['-5', undefined],
    ['2', 2_000],
    ['1e3', undefined],
    ['0x10', undefined],
    ['NaN', undefined],
    ['Wed, 99 Oct 2026 07:28:30 GMT', undefined],
    ['', undefined],
    [null, undefined],
  ];
  for (const [value, expected] of cases)
    it(`reads ${value?.slice(0, 40)}`, () => {
      expect(retryAfterMs(value, undefined, now)).to.equal(expected);
    });

  it('goes by the clock of the receiver, where it tells it', () => {
    const theirs = 'Wed, 21 Oct 2026 09:00:00 GMT';
    expect(retryAfterMs('Wed, 21 Oct 2026 09:00:30 GMT', theirs, now)).to.equal(30_000);
    expect(retryAfterMs('Wed, 21 Oct 2026 07:28:30 GMT', 'yesterday', now)).to.equal(30_000);
  });

  it('is a delay that a timer takes, or nothing, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.option(fc.string()), fc.double(), (value, date, at) => {
        const read = retryAfterMs(value, date, at);
        if (read !== undefined) expect(read).to.be.within(0, MAX_DELAY_MS);
      }),
    );
  });
});
