import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPipeline, type Pipeline } from '../../lib/pipeline/pipeline.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { GapInfo } from '../../lib/sinks/gap.js';
import type { Sink, SinkResult } from '../../lib/sinks/sink.js';
import { SpoolSink } from '../../lib/sinks/spool.js';
import { draft } from '../support/drafts.js';
import { HeldTimers, settle } from '../support/heldTimers.js';

/** What a caller was told of its record. What is `accepted` may yet become either of the others; nothing may stay so. */
type State = 'accepted' | 'acknowledged' | 'failed';

/** What the receiver does with the next batch. */
type Answer =
  | { readonly kind: 'take' }
  | { readonly kind: 'throw' }
  | { readonly kind: 'permanent' }
  | { readonly kind: 'reject'; readonly index: number }
  | { readonly kind: 'later'; readonly settled: number; readonly retryAfterMs: unknown };

/** How a world is set up. */
interface Setting {
  readonly spooled: boolean;
  readonly mode: 'blocking' | 'batch';
}

const MAX_QUEUE = 20;
const MAX_BATCH = 4;
const LATER = new Error('later');

/** The real pipeline, perhaps before a real spool, and all that is known of its records; time passes only as it is told. */
class World {
  readonly states = new Map<string, State>();
  /** What the receiver has, by id: the number that it came under. */
  readonly received = new Map<string, number>();
  readonly gaps: { readonly seq: number; readonly count: number }[] = [];
  readonly wrong: string[] = [];
  answers: Answer[] = [];
  /** What it does when these are used up. */
  then: Answer = { kind: 'take' };
  requests = 0;
  /** How many requests there may have been: for records, flushes and time that passed. */
  allowed = 20;
  /** Losses of spools, as `onError` was told. */
  #lostBySpool = 0;
  /** Losses that pipelines have counted which ended. */
  #lostBefore = 0;
  /** Losses of which the receiver was told when it refused to hear of them, and then the process ended. */
  #refused = 0;
  /** How many losses the gap records tell of that the receiver did not take with its last answer. */
  #withheld = 0;
  /** What `onError` said, as the process ended, that the receiver does not know. */
  #untold = 0;
  #highest = -1;
  #pipeline: Pipeline | undefined;
  readonly #timers = new HeldTimers();
  readonly #now = Date.now;
  #step = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-model-'));

  constructor(private readonly setting: Setting) {
    Date.now = () => this.#now.call(Date) + this.#step;
  }

  get pipeline(): Pipeline {
    return (this.#pipeline ??= this.#open());
  }

  accept(count: number): void {
    for (let nth = 0; nth < count; nth++) {
      const record = draft();
      this.states.set(record.record_id, 'accepted');
      this.allowed += 5;
      this.pipeline.accept(record).then(
        () => this.states.set(record.record_id, 'acknowledged'),
        () => this.states.set(record.record_id, 'failed'),
      );
    }
  }

  flush(): void {
    this.allowed += 3;
    this.pipeline.forceFlush().catch(() => undefined);
  }

  /** The wall clock is set; no timer and no pause goes by it. */
  setClock(by: number): void {
    this.#step += by;
  }

  /** Time passes, in steps, so that what reads and writes files has its turn. */
  async pass(milliseconds: number): Promise<void> {
    // Pauses are two and a half seconds on the average, once a few attempts have failed.
    this.allowed += 10 + milliseconds / 1_000;
    for (let left = milliseconds, step = 1; left > 0; left -= step, step *= 4) {
      await this.#quiet();
      await this.#timers.pass(Math.min(left, step));
    }
    await this.#quiet();
  }

  /** Ends the process, as it were, and begins another one on the same files. */
  async restart(): Promise<void> {
    const pipeline = this.#pipeline;
    const ended = pipeline?.shutdown().catch(() => undefined);
    this.allowed += 10;
    let done = ended === undefined;
    void ended?.then(() => (done = true));
    for (let turn = 0; !done && turn < 200; turn++) await this.pass(1_000);
    if (!done) this.wrong.push('the end took more than 200 s');
    this.#lostBefore += lostBy(pipeline);
    this.#pipeline = undefined;
    this.#end();
  }

  /** The receiver has been told of every loss, or has just refused that, and then the user knows. A spool forgets its gap. */
  #end(): void {
    const silent = this.#lost - this.#told - this.#refused;
    if (!this.setting.spooled && silent !== 0 && (silent !== this.#withheld || silent !== this.#untold))
      this.wrong.push(
        `ended with ${silent} losses untold: offered ${this.#withheld}, onError ${this.#untold}`,
      );
    this.#refused += silent;
    this.#untold = this.#withheld = 0;
  }

  /** What holds at any time. */
  check(): void {
    const { queued = 0 } = this.pipeline.stats().sinks[0] ?? {};
    if (this.setting.mode === 'batch' && queued > MAX_QUEUE + MAX_BATCH)
      this.wrong.push(`${queued} records wait`);
    if (this.requests > this.allowed) this.wrong.push(`${this.requests} requests, ${this.allowed} at most`);
    expect(this.wrong).to.deep.equal([]);
  }

  /** What holds in the end: the receiver is well, and everything has been told. */
  async finish(): Promise<void> {
    this.answers = [];
    this.then = { kind: 'take' };
    this.accept(1);
    await this.pass(4_000_000);
    this.accept(1);
    await this.pass(4_000_000);
    expect(this.#told + this.#refused, 'told to the receiver while it was well').to.equal(this.#lost);
    await this.restart();
    expect(this.wrong).to.deep.equal([]);
    expect([...this.states.values()], 'a caller never heard').not.to.include('accepted');
    const missing = [...this.states.keys()].filter((id) => !this.received.has(id));
    expect(missing.length, 'lost, and counted').to.equal(this.#lost);
    expect(this.#told + this.#refused, 'lost, and told to the receiver').to.equal(missing.length);
    const numbers = [...this.received.values()];
    expect(new Set(numbers).size, 'a number for two records').to.equal(numbers.length);
    if (this.#refused === 0)
      expect(Math.max(...numbers) + 1, 'a number without a record or a gap').to.equal(
        this.received.size + missing.length,
      );
  }

  /** Counted rather than added up from `onError`, which hears of the first of a run that finds the queue full. */
  get #lost(): number {
    return this.#lostBySpool + this.#lostBefore + lostBy(this.#pipeline);
  }

  /** How many records gap records tell of. */
  get #told(): number {
    return this.gaps.reduce((sum, { count }) => sum + count, 0);
  }

  close(): void {
    Date.now = this.#now;
    this.#timers.restore();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #open(): Pipeline {
    const { spooled, mode } = this.setting;
    const gapRecord = (gap: GapInfo) => draft({ resource: 'audit/gap', data: gap });
    const onLoss = ({ message }: Error) => {
      this.#untold += Number(/ends without .* (\d+) records are missing/.exec(message)?.[1] ?? 0);
    };
    const receiver: Sink = { name: 'receiver', emit: (batch) => this.#receive(batch) };
    if (!spooled) Object.assign(receiver, { lastSeq: this.#highest < 0 ? undefined : this.#highest });
    const sink = spooled
      ? new SpoolSink(receiver, {
          ...{
            directory: this.#folder,
            batchSize: MAX_BATCH,
            segmentBytes: 2_000,
            gapRecord,
            onError: (_, { lost }) => void (this.#lostBySpool += lost),
          },
        })
      : receiver;
    return createPipeline({
      ...{ sinks: [sink], mode, gapRecord, onError: onLoss },
      ...{ maxQueue: MAX_QUEUE, maxBatch: MAX_BATCH, lingerMs: 10 },
    });
  }

  #receive(batch: readonly AuditRecord[]): SinkResult | undefined {
    const told = this.#told;
    try {
      return this.#answer(batch);
    } finally {
      const offered = batch.filter(({ resource }) => resource === 'audit/gap');
      this.#withheld = countOf(offered) - (this.#told - told);
    }
  }

  #answer(batch: readonly AuditRecord[]): SinkResult | undefined {
    // Beyond what is allowed the test has failed; it must not run on for millions of requests.
    const flood = ++this.requests > this.allowed;
    const answer: Answer = flood ? { kind: 'take' } : (this.answers.shift() ?? this.then);
    if (answer.kind === 'throw') throw LATER;
    if (answer.kind === 'permanent') return { status: 'permanent', error: LATER };
    if (answer.kind === 'later') {
      const settled = Math.min(answer.settled, batch.length);
      this.#keep(batch.slice(0, settled));
      return { status: 'retryable', error: LATER, settled, retryAfterMs: answer.retryAfterMs as number };
    }
    if (answer.kind === 'take' || answer.index >= batch.length) return void this.#keep(batch);
    this.#keep(batch.filter((_, index) => index !== answer.index));
    return { status: 'delivered', rejected: [{ index: answer.index, error: LATER }] };
  }

  #keep(records: readonly AuditRecord[]): void {
    for (const { record_id: id, seq, resource, data } of records) {
      this.#highest = Math.max(this.#highest, seq);
      if (resource === 'audit/gap') this.gaps.push({ seq, count: (data as unknown as GapInfo).count });
      else {
        if (this.received.has(id))
          this.wrong.push(`${id} came twice, as ${this.received.get(id)} and ${seq}`);
        this.received.set(id, seq);
      }
    }
  }

  /** Waits for what waits for no timer: files too. */
  async #quiet(): Promise<void> {
    const busy = () => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
    for (let calm = 0; calm < 3; calm = busy() ? 0 : calm + 1) await settle();
  }
}

function lostBy(pipeline: Pipeline | undefined): number {
  const { failed = 0, dropped = 0 } = pipeline?.stats().sinks[0] ?? {};
  return failed + dropped;
}

function countOf(gaps: readonly AuditRecord[]): number {
  return gaps.reduce((sum, { data }) => sum + (data as unknown as GapInfo).count, 0);
}

type Command = fc.AsyncCommand<object, World>;

const command = (told: string, act: (world: World) => Promise<void> | void): Command => ({
  check: () => true,
  run: async (_, world) => {
    await act(world);
    world.check();
  },
  toString: () => told,
});

const PAUSES = [undefined, 0, 1, 1_000, 60_000, 2 ** 31, 1e12, Infinity, Number.NaN, -1, '5'];

const later = fc.record({
  kind: fc.constant('later' as const),
  settled: fc.constantFrom(0, 0, 0, 1, 2),
  retryAfterMs: fc.constantFrom(...PAUSES),
});

const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.constantFrom<Answer>({ kind: 'take' }, { kind: 'throw' }, { kind: 'permanent' }),
  fc.nat(3).map((index): Answer => ({ kind: 'reject', index })),
  later,
  later,
);

const commands = [
  fc.integer({ min: 1, max: 8 }).map((count) => command(`accept ${count}`, (world) => world.accept(count))),
  fc
    .array(answer, { minLength: 1, maxLength: 5 })
    .map((next) => command(`answer ${fc.stringify(next)}`, (world) => void (world.answers = next.slice()))),
  fc
    .constantFrom(1, 100, 5_000, 60_000, 3_700_000)
    .map((ms) => command(`pass ${ms}`, (world) => world.pass(ms))),
  fc
    .constantFrom(-4e10, -3_600_000, 3_600_000, 4e10)
    .map((by) => command(`set the clock by ${by}`, (world) => world.setClock(by))),
  answer.map((then) => command(`from now on ${fc.stringify(then)}`, (world) => void (world.then = then))),
  fc.constant(command('flush', (world) => world.flush())),
  fc.constant(command('restart', (world) => world.restart())),
];

/** Runs random programs of calls, answers, restarts and clocks against the real thing. */
export async function checkModel(setting: Setting, numRuns: number): Promise<void> {
  const programs = fc.commands(commands, { maxCommands: 25, size: 'max' });
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const world = new World(setting);
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), program);
        await world.finish();
      } finally {
        world.close();
      }
    }),
    { numRuns, endOnFailure: false },
  );
}
