// One writer per log, whatever machine, container or thread the others are in; the real thing, in namespaces of the kernel.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { Child } from '../../support/child.js';
import type { LockedWriterPlan } from '../../support/children/lockedWriter.js';
import { numbered } from '../../support/drafts.js';
import { folders, seqsIn } from '../../support/logFolder.js';
import { canUnshare, inNamespaces, insideOf, type Namespaces } from '../../support/namespaces.js';

const inMachines = canUnshare ? it : it.skip;
const because = canUnshare ? '' : ' (skipped: no namespaces can be made here)';

describe('the lock of a log, between processes', function () {
  this.timeout(120_000);
  const folder = folders();
  const started: Child[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.process.kill('SIGKILL');
  });

  const write = (plan: LockedWriterPlan, namespaces?: Namespaces) => {
    const wrapper = namespaces === undefined ? [] : inNamespaces(namespaces);
    const child = new Child('lockedWriter.ts', plan, { wrapper });
    started.push(child);
    return child;
  };
  const tell = ({ path, name }: { path: string; name: string }, what: number | string) =>
    writeFileSync(`${path}.${name}.${what}`, '');
  const answer = async (child: Child, nth: number) => {
    while (child.lines.length <= nth) await sleep(10);
    return child.lines[nth];
  };

  const NEIGHBOURS: [string, Namespaces, Namespaces][] = [
    ['in another PID namespace under one host name', {}, {}],
    ['in another container, with another host name', { host: 'agent-1' }, { host: 'agent-2' }],
    ['where there is no flock(1)', { withoutFlock: true }, { withoutFlock: true }],
    ['where only the first has flock(1)', { host: 'agent-1' }, { host: 'agent-2', withoutFlock: true }],
    ['where /proc is that of the machine outside', { foreignProc: true }, { foreignProc: true }],
  ];
  for (const [where, first, second] of NEIGHBOURS)
    inMachines(
      `refuses a second writer ${where}${because}${second.host === 'agent-2' ? '' : ' @slow'}`,
      async () => {
        const path = join(folder(), 'audit.jsonl');
        const holder = write({ path, from: 0, name: 'a' }, first);
        expect(await answer(holder, 0)).to.equal('open');
        tell({ path, name: 'a' }, 0);
        const other = write({ path, from: 0, name: 'b' }, second);
        expect(await answer(other, 0)).to.equal('refused');
        tell({ path, name: 'a' }, 1);
        expect([await answer(holder, 1), await answer(holder, 2)]).to.deep.equal(['delivered', 'delivered']);
        tell({ path, name: 'a' }, 'end');
        await holder.ended;
        expect(seqsIn(path)).to.deep.equal([0, 1]);
      },
    );

  inMachines(
    `takes over at once from a container that was killed, where there is a lock of the kernel${because}`,
    async () => {
      const path = join(folder(), 'audit.jsonl');
      const holder = write({ path, from: 0, name: 'a', staleLockMs: 3_600_000 }, { host: 'agent-1' });
      expect(await answer(holder, 0)).to.equal('open');
      process.kill(insideOf(holder.process.pid ?? 0), 'SIGKILL');
      await holder.ended;
      const sink = new FileSink(path);
      expect(sink.notices.map(({ kind }) => kind)).to.deep.equal(['stale-lock']);
      await sink.close();
    },
  );

  inMachines(
    `never takes over from a stopped holder, where there is a lock of the kernel${because} @slow`,
    async () => {
      const path = join(folder(), 'audit.jsonl');
      const holder = write({ path, from: 0, name: 'a', staleLockMs: 1_000 }, { host: 'agent-1' });
      expect(await answer(holder, 0)).to.equal('open');
      const pid = insideOf(holder.process.pid ?? 0);
      process.kill(pid, 'SIGSTOP');
      await sleep(1_500);
      expect(() => new FileSink({ path, staleLockMs: 1_000 })).to.throw(ConfigError, 'being written');
      process.kill(pid, 'SIGCONT');
      tell({ path, name: 'a' }, 0);
      expect(await answer(holder, 1)).to.equal('delivered');
    },
  );

  for (const spool of [false, true])
    inMachines(
      `a stopped holder ${spool ? 'of a spool ' : ''}that wakes after its lock was taken writes nothing${because} @slow`,
      async () => {
        const path = join(folder(), 'audit.jsonl');
        const plan = { path, staleLockMs: 1_000, spool };
        const holder = write({ ...plan, from: 0, name: 'a' }, { host: 'agent-1', withoutFlock: true });
        tell({ path, name: 'a' }, 0);
        expect([await answer(holder, 0), await answer(holder, 1)]).to.deep.equal(['open', 'delivered']);
        const pid = insideOf(holder.process.pid ?? 0);
        process.kill(pid, 'SIGSTOP');
        await sleep(1_500);
        const heir = write({ ...plan, from: 1, name: 'b' }, { host: 'agent-2', withoutFlock: true });
        tell({ path, name: 'b' }, 0);
        expect([await answer(heir, 0), await answer(heir, 1)]).to.deep.equal(['open', 'delivered']);
        process.kill(pid, 'SIGCONT');
        tell({ path, name: 'a' }, 1);
        expect(await answer(holder, 2)).to.equal('permanent LOCK_LOST');
        tell({ path, name: 'a' }, 'end');
        tell({ path, name: 'b' }, 1);
        expect(await answer(heir, 2)).to.equal('delivered');
        await holder.ended;
        tell({ path, name: 'b' }, 'end');
        await heir.ended;
        if (!spool) expect(seqsIn(path)).to.deep.equal([0, 1, 2]);
      },
    );

  it('ends with a worker thread that is terminated, for other processes and for its own', async () => {
    const path = join(folder(), 'audit.jsonl');
    const holder = write({ path, from: 0, name: 'a', worker: true });
    expect(await answer(holder, 0)).to.equal('open');
    expect(() => new FileSink(path)).to.throw(ConfigError, 'being written');
    tell({ path, name: 'a' }, 'terminate');
    expect(await answer(holder, 1)).to.equal('terminated');
    await new FileSink(path).close();
    tell({ path, name: 'a' }, 'end');
    await holder.ended;
  });
});

describe('the lock of a log, in one process', () => {
  const folder = folders();
  const elsewhere = { pid: 1, started: '4711', host: 'agent-7d9f-x2x4q', thread: 0 };

  it('is made again when somebody removes it, and the second writer stays refused', async () => {
    const sink = new FileSink({ path: join(folder(), 'audit.jsonl'), checkIntervalMs: 0 });
    rmSync(`${sink.path}.lock`);
    await sink.emit([numbered(0)]);
    expect(sink.notices.map(({ kind }) => kind)).to.deep.equal(['lock-restored']);
    expect(() => new FileSink(sink.path)).to.throw(ConfigError, 'being written');
    await sink.close();
    expect(existsSync(`${sink.path}.lock`)).to.equal(false);
  });

  it('is made again with a folder that was removed, and what was written is written again', async () => {
    const base = join(folder(), 'logs');
    const sink = new FileSink({ path: join(base, 'audit.jsonl'), checkIntervalMs: 3_600_000 });
    await sink.emit([numbered(0)]);
    rmSync(base, { recursive: true });
    await sink.emit([numbered(1)]);
    await sink.flush();
    expect(() => new FileSink(sink.path)).to.throw(ConfigError, 'being written');
    expect(seqsIn(sink.path)).to.deep.equal([0, 1]);
    await sink.close();
  });

  it('is lost with a folder that another writer made anew, and nothing is written to its log', async () => {
    const base = join(folder(), 'logs');
    const first = new FileSink({ path: join(base, 'audit.jsonl'), checkIntervalMs: 0 });
    await first.emit([numbered(7)]);
    rmSync(base, { recursive: true });
    mkdirSync(base);
    const second = new FileSink({ path: join(base, 'audit.jsonl'), checkIntervalMs: 0 });
    const result = await first.emit([numbered(8)]);
    expect(result).to.have.property('status', 'permanent');
    expect(first.notices.map(({ kind }) => kind)).to.include('lock-lost');
    await second.emit([numbered(0)]);
    await first.close().catch(() => undefined);
    await second.emit([numbered(1)]);
    expect(seqsIn(second.path)).to.deep.equal([0, 1]);
    expect(() => new FileSink(second.path), 'the lock of the second is untouched').to.throw(ConfigError);
    await second.close();
  });

  it('runs out when the holder cannot be asked and gives no sign of life', async () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(`${path}.lock`, JSON.stringify(elsewhere));
    expect(() => new FileSink(path)).to.throw(ConfigError, 'without a sign of life for 15 s');
    const before = new Date(Date.now() - 20_000);
    utimesSync(`${path}.lock`, before, before);
    expect(() => new FileSink({ path, staleLockMs: 60_000 })).to.throw(ConfigError, 'for 60 s');
    const sink = new FileSink(path);
    expect(sink.notices.map(({ kind }) => kind)).to.deep.equal(['stale-lock']);
    await sink.close();
  });

  it('holds as long as its holder says, where that is longer', () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(`${path}.lock`, JSON.stringify({ ...elsewhere, staleMs: 60_000 }));
    const before = new Date(Date.now() - 20_000);
    utimesSync(`${path}.lock`, before, before);
    expect(() => new FileSink({ path, staleLockMs: 1_000 })).to.throw(ConfigError, 'for 60 s');
  });

  it('runs out though its last heartbeat is in the future, since the clock was set back', async () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(`${path}.lock`, JSON.stringify(elsewhere));
    const tomorrow = new Date(Date.now() + 86_400_000);
    utimesSync(`${path}.lock`, tomorrow, tomorrow);
    const options = { path, staleLockMs: 1_000 };
    expect(() => new FileSink(options), 'it may be alive').to.throw(ConfigError, 'being written');
    const dated = statSync(`${path}.lock`).mtimeMs;
    expect(dated).to.be.at.most(Date.now());
    utimesSync(`${path}.lock`, new Date(), new Date(dated - 2_000));
    await new FileSink(options).close();
  });

  for (const staleMs of ['soon', Number.NaN, -1, {}])
    it(`holds for as long as we say where its holder says ${JSON.stringify(staleMs)}`, () => {
      const path = join(folder(), 'audit.jsonl');
      writeFileSync(`${path}.lock`, JSON.stringify({ ...elsewhere, staleMs }));
      expect(() => new FileSink(path)).to.throw(ConfigError, 'being written');
    });

  it('is no proof of life after a restart of the machine, under the same host name', async () => {
    const path = join(folder(), 'audit.jsonl');
    const sink = new FileSink(path);
    const lock = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as object;
    await sink.close();
    // The process id and its start are those of a process that lives here: ours.
    writeFileSync(`${path}.lock`, JSON.stringify({ ...lock, boot: 'another', host: hostname() }));
    expect(() => new FileSink(path), 'while its heartbeats are fresh').to.throw(ConfigError);
    const before = new Date(Date.now() - 20_000);
    utimesSync(`${path}.lock`, before, before);
    await new FileSink(path).close();
  });

  it('shows that its holder lives, while the holder is idle', async () => {
    const sink = new FileSink({ path: join(folder(), 'audit.jsonl'), staleLockMs: 1_000 });
    const text = () => readFileSync(`${sink.path}.lock`, 'utf8');
    const first = text();
    while (text() === first) await sleep(20);
    expect(text()).to.have.length(first.length);
    await sink.close();
  });

  it('refuses to run out faster than a busy process could show that it lives', () => {
    expect(() => new FileSink({ path: join(folder(), 'x'), staleLockMs: 10 })).to.throw(
      ConfigError,
      'staleLockMs',
    );
  });
});
