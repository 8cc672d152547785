import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draft } from '../../support/drafts.js';
import { HeldTimers, settle } from '../../support/heldTimers.js';
import { Life, MAX_BATCH, MAX_BYTES, MAX_QUEUE, type Setting } from './life.js';
import { Receiver } from './receiver.js';

/**
 * What is known of a record. What is `accepted` may yet become any of the others, and nothing may stay so: `durable` and
 * `acknowledged` are what its caller was told, with and without a promise that it survives; `failed` is what it was told, too;
 * of what is `gone` with its process, nobody was told anything.
 */
type State = 'accepted' | 'durable' | 'acknowledged' | 'failed' | 'gone';

/** The largest batch that the spool takes beyond its bound. */
const ONE_BATCH = 8_000;

/** Processes that follow one another, their receiver, and all that is known of their records; time passes only as it is told. */
export class World {
  readonly receiver = new Receiver();
  readonly states = new Map<string, State>();
  #life: Life | undefined;
  readonly #dead: Life[] = [];
  /** Losses of processes that have ended. */
  #lostBefore = 0;
  /** Losses of which the receiver was told when it refused to hear of them, and then the process ended: its user knows. */
  #refused = 0;
  /** What only a process knew of that was killed: losses, and records on their way. */
  #forgotten = 0;
  /** How many of these were losses. */
  #untellable = 0;
  readonly #timers = new HeldTimers();
  readonly #now = Date.now;
  #step = 0;
  readonly #base = mkdtempSync(join(tmpdir(), 'otel-mcp-log-model-'));
  #folder = join(this.#base, '0');

  constructor(private readonly setting: Setting) {
    Date.now = () => this.#now.call(Date) + this.#step;
  }

  get life(): Life {
    return (this.#life ??= new Life(this.setting, this.receiver, this.#folder));
  }

  accept(count: number): void {
    for (let nth = 0; nth < count; nth++) {
      this.receiver.allowed += 5;
      if (this.setting.mode === 'blocking-strict') this.#operate();
      else this.#record(this.setting.mode === 'blocking' ? 'durable' : 'acknowledged');
    }
  }

  /** An operation as strict mode has it: nothing is done unless its intent is on record. */
  #operate(): void {
    const { life, receiver } = this;
    const { pipeline } = life;
    const intent = draft();
    const id = intent.record_id;
    const before = pipeline.stats().accepted;
    const allowed = pipeline.acceptIntent(intent);
    const isNumbered = pipeline.stats().accepted > before;
    if (isNumbered) this.states.set(id, 'accepted');
    allowed.then(
      () => {
        if (life.isDead) return;
        this.states.set(id, 'durable');
        if (!this.setting.spooled && !receiver.received.has(id)) receiver.wrong.push(`${id} is on no record`);
        receiver.allowed += 5;
        // The result is the caller's whatever becomes of the record: no promise is made for it. One that comes when the process
        // has ended is refused, and has no number.
        if (life === this.#life && !life.isEnding) this.#record('acknowledged');
      },
      () => {
        if (life.isDead) return;
        if (isNumbered) this.states.set(id, 'failed');
        receiver.never.add(id);
      },
    );
  }

  #record(promised: 'durable' | 'acknowledged'): void {
    const { life } = this;
    const record = draft();
    const id = record.record_id;
    const set = (state: State) => void (life.isDead || this.states.set(id, state));
    set('accepted');
    life.pipeline.accept(record).then(
      () => set(promised),
      () => set('failed'),
    );
  }

  flush(): void {
    this.receiver.allowed += 3;
    this.life.pipeline.forceFlush().catch(() => undefined);
  }

  /** The wall clock is set; no timer and no pause goes by it. */
  setClock(by: number): void {
    this.#step += by;
  }

  /** Time passes, in steps, so that what reads and writes files has its turn. */
  async pass(milliseconds: number): Promise<void> {
    // Pauses are two and a half seconds on the average, once a few attempts have failed.
    this.receiver.allowed += 10 + milliseconds / 1_000;
    for (let left = milliseconds, step = 1; left > 0; left -= step, step *= 4) {
      await this.#quiet();
      await this.#timers.pass(Math.min(left, step));
    }
    await this.#quiet();
  }

  /** Ends the process, as it were, and begins another one on the same files. */
  async restart(): Promise<void> {
    const life = this.#life;
    this.receiver.allowed += 10;
    if (life !== undefined) await this.#ended(life.end());
    this.#lostBefore += life?.lost ?? 0;
    this.#life = undefined;
    if (this.setting.spooled) this.#refused += life?.untold ?? 0;
    else this.#endWithoutSpool(life?.untold ?? 0);
  }

  /** The receiver has been told of every loss, or has just refused that, and then the user knows. */
  #endWithoutSpool(untold: number): void {
    const silent = this.#silent;
    const { withheld, wrong } = this.receiver;
    if (silent !== 0 && (silent !== withheld || silent !== untold))
      wrong.push(`ended with ${silent} losses untold: offered ${withheld}, onError ${untold}`);
    this.#refused += silent;
    this.receiver.withheld = 0;
  }

  /** Kills the process, as it were, at this very moment, and begins another one on what is in its files. */
  crash(): void {
    const life = this.#life;
    if (life === undefined) return;
    const heir = join(this.#base, String(this.#dead.length + 1));
    life.crash(heir);
    this.#dead.push(life);
    this.#folder = heir;
    this.#life = undefined;
    this.receiver.allowed += 20;
    this.#lostBefore += life.lost;
    // What is spooled may yet tell of some of them.
    const losses = this.setting.spooled ? life.lost - life.lostBySpool : this.#silent;
    this.#untellable += losses;
    this.#forgotten += losses + (life.pipeline.stats().sinks[0]?.queued ?? 0);
    for (const [id, state] of this.states) if (state === 'accepted') this.states.set(id, 'gone');
  }

  /** What holds at any time. */
  check(): void {
    const { receiver, life } = this;
    const { queued = 0, backlogBytes = 0 } = life.pipeline.stats().sinks[0] ?? {};
    // Beyond the queue there is only what a caller waits for, and keeps in memory himself.
    const waiting = [...this.states.values()].filter((state) => state === 'accepted').length;
    const most = MAX_QUEUE + MAX_BATCH + (this.setting.mode === 'batch' ? 0 : waiting);
    if (queued > most) receiver.wrong.push(`${queued} records wait, for ${waiting} callers`);
    if (backlogBytes > MAX_BYTES + ONE_BATCH) receiver.wrong.push(`${backlogBytes} bytes are spooled`);
    if (receiver.requests > receiver.allowed)
      receiver.wrong.push(`${receiver.requests} requests, ${receiver.allowed} at most`);
    expect(receiver.wrong).to.deep.equal([]);
  }

  /** What holds in the end: the receiver is well, and everything has been told. */
  async finish(): Promise<void> {
    const { receiver } = this;
    receiver.answers = [];
    receiver.then = { kind: 'take' };
    for (let round = 0; round < 2; round++) {
      this.accept(1);
      await this.pass(4_000_000);
    }
    if (!this.#hasCrashed) expect(this.#known, 'told to the receiver while it was well').to.equal(this.#lost);
    await this.restart();
    expect(receiver.wrong).to.deep.equal([]);
    const { received, gaps } = receiver;
    const states = [...this.states];
    expect(states, 'a caller never heard').to.satisfy((all: typeof states) =>
      all.every(([, state]) => state !== 'accepted'),
    );
    const missing = states.filter(([id]) => !received.has(id));
    if (this.#hasCrashed) this.#checkAfterCrashes(missing);
    else {
      expect(missing.length, 'lost, and counted').to.equal(this.#lost);
      expect(this.#known, 'lost, and told to the receiver').to.equal(missing.length);
    }
    const numbers = [...received.values()];
    expect(new Set(numbers).size, 'a number for two records').to.equal(numbers.length);
    const taken = [...gaps.values()].filter(({ seq }) => numbers.includes(seq));
    expect(taken, 'a number for a record and a gap').to.deep.equal([]);
    if (this.#refused === 0 && !this.#hasCrashed)
      expect(Math.max(...numbers) + 1, 'a number without a record or a gap').to.equal(
        received.size + missing.length,
      );
  }

  /** What a killed process had in memory is lost with it; all that it had promised to keep is there, or told of. */
  #checkAfterCrashes(missing: readonly [string, State][]): void {
    const owed = missing.length - this.#forgotten;
    expect(this.#known, 'lost, and told to the receiver').to.be.at.least(owed);
    if (!this.setting.spooled)
      expect(
        missing.filter(([, state]) => state === 'durable'),
        'acknowledged, and lost with the process',
      ).to.deep.equal([]);
  }

  get #hasCrashed(): boolean {
    return this.#dead.length > 0;
  }

  /** Counted rather than added up from `onError`, which hears of the first of a run that finds the queue full. */
  get #lost(): number {
    return this.#lostBefore + (this.#life?.lost ?? 0);
  }

  /** Losses of which nobody has been told and somebody can be. */
  get #silent(): number {
    return this.#lost - this.#known - this.#untellable;
  }

  /** Losses that somebody knows of: the receiver, or the user. */
  get #known(): number {
    return this.receiver.told + this.#refused;
  }

  async close(): Promise<void> {
    try {
      for (const life of [...this.#dead, ...(this.#life === undefined ? [] : [this.#life])])
        await this.#ended(life.bury());
    } finally {
      Date.now = this.#now;
      this.#timers.restore();
      rmSync(this.#base, { recursive: true, force: true });
    }
  }

  async #ended(end: Promise<void>): Promise<void> {
    let done = false;
    void end.then(() => (done = true));
    for (let turn = 0; !done && turn < 200; turn++) await this.pass(1_000);
    if (!done) this.receiver.wrong.push('the end took more than 200 s');
  }

  /** Waits for what waits for no timer: files too. */
  async #quiet(): Promise<void> {
    const busy = () => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
    for (let calm = 0; calm < 3; calm = busy() ? 0 : calm + 1) await settle();
  }
}
