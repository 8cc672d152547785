import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import fc from 'fast-check';
import { checkOptions } from '../../lib/internal/options.js';
import { OPTIONS } from '../../lib/options/tables.js';
import { after, delayMs, MAX_DELAY_MS, sleep } from '../../lib/internal/duration.js';
import { ConfigError } from '../../lib/errors.js';
import { followProcess } from '../../lib/pipeline/lifecycle.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FieldNotesSink } from '../../lib/sinks/http/fieldNotesSink.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { HttpSink } from '../../lib/sinks/http/httpSink.js';
import { retrying } from '../../lib/sinks/retry.js';
import { SpoolSink } from '../../lib/sinks/spool/spoolSink.js';
import { resolveIntegrity } from '../../lib/integrity/sealing/options.js';
import { MemorySink } from '../support/memorySink.js';

const lib = fileURLToPath(new URL('../../lib', import.meta.url));

/** What is no duration in milliseconds. `undefined` is left out: it means the default. */
const NO_DURATION = [
  Number.NaN,
  Infinity,
  -Infinity,
  -1,
  0.5,
  1e12,
  2 ** 31,
  '1000',
  '5s',
  null,
  {},
  [],
  true,
  5n,
];

describe('a duration that others give', () => {
  it('becomes one that a timer takes', () => {
    const cases: [unknown, number][] = [
      [0, 0],
      [1.2, 2],
      [-1, 0],
      [-Infinity, 0],
      [Infinity, MAX_DELAY_MS],
      [1e300, MAX_DELAY_MS],
      [2 ** 31, MAX_DELAY_MS],
      [2 ** 31 - 1, MAX_DELAY_MS],
      [Number.NaN, 7],
      ['1000', 7],
      [5n, 7],
      [null, 7],
      [undefined, 7],
    ];
    for (const [given, expected] of cases) expect(delayMs(given, 7), String(given)).to.equal(expected);
    fc.assert(fc.property(fc.anything(), (given) => Number.isInteger(delayMs(given)) && delayMs(given) >= 0));
  });

  it('does not overflow a timer', () => {
    // Node says so on the timer itself: a delay that overflows has become 1.
    const timer = after(1e12, () => undefined) as NodeJS.Timeout & { _idleTimeout: number };
    expect(timer._idleTimeout).to.equal(MAX_DELAY_MS);
    clearTimeout(timer);
  });

  it('reaches no timer but through lib/internal/duration.ts', () => {
    const direct = /\bset(?:Timeout|Interval)\s*\(|timers\/promises|AbortSignal\.timeout/;
    const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.[mc]?ts$/.test(file),
    );
    const wrong = files.filter((file) => direct.test(readFileSync(join(lib, file), 'utf8')));
    expect(wrong).to.deep.equal([join('internal', 'duration.ts')]);
  });
});

describe('a duration that an option gives', () => {
  const endpoint = 'http://127.0.0.1:1';
  const sink = new MemorySink();
  const at = (option: string, make: (value: never) => unknown) => ({ option, make });
  const log = (name: string) => at(name, (value) => createPipeline({ sinks: [sink], [name]: value }));
  const file = (name: string) =>
    at(name, (value) => new FileSink({ path: 'never-made.jsonl', [name]: value }));
  const integrity = { origin: 'a.example/log', key: 'never-made.pem' };
  const options = [
    ...['exportTimeoutMillis', 'scheduledDelayMillis', 'maxRetryAfterMs'].map(log),
    ...['fsyncIntervalMs', 'checkIntervalMs'].map(file),
    at('sinks[0].exportTimeoutMillis', (exportTimeoutMillis) =>
      createPipeline({ sinks: [{ sink, exportTimeoutMillis }] }),
    ),
    at('lifecycle.deadlineMs', (deadlineMs) =>
      followProcess(createPipeline({ sinks: [sink] }), { deadlineMs }),
    ),
    at('HttpSink.timeoutMs', (timeoutMs) => new HttpSink({ endpoint, timeoutMs })),
    at(
      'HttpSink.retry.initialDelayMs',
      (initialDelayMs) => new HttpSink({ endpoint, retry: { initialDelayMs } }),
    ),
    at('HttpSink.retry.maxDelayMs', (maxDelayMs) => new HttpSink({ endpoint, retry: { maxDelayMs } })),
    at('HttpSink.retry.maxAttempts', (maxAttempts) => new HttpSink({ endpoint, retry: { maxAttempts } })),
    at('FieldNotesSink.timeoutMs', (timeoutMs) => new FieldNotesSink({ endpoint, auth: 'none', timeoutMs })),
    at('retrying.timeoutMs', (timeoutMs) => retrying(sink, { timeoutMs })),
    at(
      'spool.maxRetryAfterMs',
      (ms) => new SpoolSink(sink, { directory: 'never-made', maxRetryAfterMs: ms }),
    ),
    at('integrity.checkpointSeconds', (seconds) =>
      resolveIntegrity({ ...integrity, checkpointSeconds: seconds }),
    ),
  ];
  for (const { option, make } of options) {
    it(`${option} is refused where no timer takes it`, () => {
      for (const value of NO_DURATION)
        expect(() => make(value as never), String(value))
          .to.throw(ConfigError)
          .with.property('option', option);
    });
  }

  it('may be as long as a timer takes', () => {
    const { scheduledDelayMillis } = checkOptions('DeliveryOptions', 'log', {
      scheduledDelayMillis: MAX_DELAY_MS,
    });
    expect(scheduledDelayMillis).to.equal(MAX_DELAY_MS);
    expect(OPTIONS.IntegrityOptions.checkpointSeconds.maximum).to.equal(Math.floor(MAX_DELAY_MS / 1000));
  });

  it('can be waited for, and a signal ends the wait at once', async () => {
    const stop = new AbortController();
    const waiting = sleep(MAX_DELAY_MS, stop.signal);
    stop.abort();
    await waiting;
    await sleep(MAX_DELAY_MS, stop.signal);
    await sleep(1);
    expect(stop.signal.aborted).to.equal(true);
  });
});
