// What others do to the file of a log, and to the process that writes it.
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { broken, together, type Attack, type Findings, type Try } from '../attack.js';
import { judge, readLog } from '../judge.js';
import { runOf, saidIn, type Said, type Scene } from '../scene.js';
import {
  logOf,
  MODES,
  named,
  pairs,
  range,
  toldCount,
  write,
  writerPlan,
  type WriterPlan,
} from './writing.js';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** All that a writer makes is for its owner alone, whatever the umask. */
function privateFiles(umask: string): Try {
  return async (scene) => {
    const base = scene.path('made');
    const path = join(base, 'deep', 'audit.jsonl');
    const integrity = { origin: 'lab.example.com/log', key: { generate: join(base, 'keys', 'key.pem') } };
    const sinks = [
      { kind: 'file', options: { path, integrity, rotate: { maxBytes: 4_000, compress: true } } },
      {
        kind: 'spool',
        options: {
          directory: join(base, 'spool'),
          inner: { kind: 'file', options: { path: join(base, 'inner.jsonl') } },
        },
      },
    ];
    const wrapper = ['bash', '-c', `umask ${umask}; exec "$@"`, 'bash'];
    const { said } = await scene.run('writer.mjs', writerPlan(path, { sinks }), { wrapper });
    const made = readdirSync(base, { recursive: true, encoding: 'utf8' }).map((name) => join(base, name));
    const wide = [base, ...made].filter(
      (each) => modeOf(each) !== (statSync(each).isDirectory() ? '700' : '600'),
    );
    return together(
      judge(said, readLog(path)),
      broken(
        [made.length > 8, `only ${made.length} files were made`],
        ...wide.map((each) => [false, `${each.slice(base.length)} has mode ${modeOf(each)}`] as const),
      ),
    );
  };
}

function existingFile(mode: number, widerMode: 'narrow' | 'refuse'): Try {
  return async (scene) => {
    writeFileSync(logOf(scene), '');
    chmodSync(logOf(scene), mode);
    const { said } = await write(scene, { count: 4, file: { widerMode } });
    const refused = said.some(({ thrown }) => thrown?.name === 'ConfigError');
    const narrowed = modeOf(logOf(scene)) === '600' && said.some(({ notice }) => notice === 'mode-narrowed');
    return together(
      judge(said, readLog(logOf(scene))),
      broken([
        widerMode === 'refuse' ? refused && toldCount(said, 'ok') === 0 : narrowed,
        'it was taken as it is',
      ]),
    );
  };
}

/** Places that no log may be written to: made at the path, or led to by it. */
const TRAPS: Readonly<Record<string, (scene: Scene) => Record<string, unknown>>> = {
  'a symbolic link': (scene) => (
    writeFileSync(scene.path('target'), 'own'),
    symlinkSync(scene.path('target'), logOf(scene)),
    {}
  ),
  'a dangling symbolic link': (scene) => (symlinkSync(scene.path('none'), logOf(scene)), {}),
  'a symbolic link to a device': (scene) => (symlinkSync('/dev/null', logOf(scene)), {}),
  'a device': () => ({ path: '/dev/null' }),
  'a FIFO': (scene) => (execFileSync('mkfifo', [logOf(scene)]), {}),
  'a directory': (scene) => (mkdirSync(logOf(scene)), {}),
  'a hard link': (scene) => (
    writeFileSync(scene.path('target'), 'own'),
    linkSync(scene.path('target'), logOf(scene)),
    {}
  ),
  'out of the base by dots': (scene) => ({ base: scene.path('base'), path: '../target' }),
  'out of the base by dots within': (scene) => ({ base: scene.path('base'), path: 'a/b/../../../target' }),
  'out of the base from the root': (scene) => ({ base: scene.path('base'), path: scene.path('target') }),
  'out of the base by a link': (scene) => {
    mkdirSync(scene.path('base'));
    mkdirSync(scene.path('outside'));
    symlinkSync(scene.path('outside'), join(scene.path('base'), 'link'));
    return { base: scene.path('base'), path: 'link/audit.jsonl' };
  },
};

function trap(make: (scene: Scene) => Record<string, unknown>): Try {
  return async (scene) => {
    const options = { path: logOf(scene), ...make(scene) };
    const target = () => statSync(scene.path('target'), { throwIfNoEntry: false })?.size;
    const before = [target(), scene.names().filter((name) => name !== 'base')];
    const { said } = await write(scene, { sinks: [{ kind: 'file', options }], count: 2 });
    const after = [target(), scene.names().filter((name) => name !== 'base')];
    const outside = statSync(scene.path('outside'), { throwIfNoEntry: false });
    return broken(
      [said.some(({ thrown }) => thrown?.name === 'ConfigError'), 'it was not refused'],
      [JSON.stringify(before) === JSON.stringify(after), 'it left something behind'],
      [outside === undefined || readdirSync(scene.path('outside')).length === 0, 'something is outside'],
    );
  };
}

const ROTATIONS: Readonly<Record<string, { acts: string[]; file: object; beside?: string }>> = {
  'rename and SIGHUP': {
    acts: ['rename', 'hup'],
    file: { reopenOnSighup: true, checkIntervalMs: 60_000 },
    beside: 'audit.jsonl.old',
  },
  rename: { acts: ['rename'], file: { checkIntervalMs: 0 }, beside: 'audit.jsonl.old' },
  'rename, seen late': { acts: ['rename'], file: {}, beside: 'audit.jsonl.old' },
  copytruncate: { acts: ['copytruncate'], file: { checkIntervalMs: 0 }, beside: 'audit.jsonl.copy' },
  deletion: { acts: ['delete'], file: { checkIntervalMs: 0 } },
  'deletion, seen at the end': { acts: ['delete'], file: {} },
};

function rotation(how: string, before: number, mode: (typeof MODES)[number]): Try {
  return async (scene) => {
    const { acts = [], file = {}, beside } = ROTATIONS[how] ?? {};
    const path = logOf(scene);
    const log = mode === 'batch' ? { scheduledDelayMillis: 1 } : {};
    const plan: WriterPlan = {
      mode,
      log,
      file,
      pauseMs: 2,
      acts: acts.map((act) => ({ before, do: act, path })),
    };
    const { said } = await write(scene, plan);
    const files = [...(beside === undefined ? [] : [scene.path(beside)]), path].filter(
      (each) => statSync(each, { throwIfNoEntry: false }) !== undefined,
    );
    const found = judge(said, readLog(path, files), { mode, anySeq: beside === undefined });
    if (beside !== undefined) return found;
    // What was deleted is gone; it must have been told of, by the finding and by the end of the log.
    const told =
      said.some(({ notice }) => notice === 'deleted') &&
      said.some(({ ended }) => ended !== undefined && ended !== 'ok');
    return { ...found, lost: told ? afterDeletion(found, how, before) : (found.lost ?? []) };
  };
}

/** Where each write looks first, what was written after the deletion is not lost. */
function afterDeletion({ lost = [] }: Findings, how: string, before: number): string[] {
  if (how !== 'deletion') return [];
  return lost.filter((each) => Number(/^call\/(\d+)/.exec(each)?.[1] ?? -1) >= before);
}

/** Several processes at one path at once; some of them after one that was killed. */
function race(processes: number, staleLock: boolean): Try {
  return async (scene) => {
    if (staleLock) {
      const gone = scene.start('writer.mjs', writerPlan(logOf(scene), { count: 0, end: 'wait' }));
      await untilSaid(gone, ({ fact }) => fact === 'done');
      gone.process.kill('SIGKILL');
      await gone.ended;
    }
    const started = range(1, processes).map((each) =>
      scene.start('writer.mjs', writerPlan(logOf(scene), { from: each * 100, count: 8, end: 'wait' })),
    );
    await Promise.all(
      started.map((child) => untilSaid(child, ({ fact, thrown }) => fact === 'done' || thrown !== undefined)),
    );
    for (const child of started) child.process.kill('SIGKILL');
    const runs = (await Promise.all(started.map(({ ended }) => ended))).map(runOf);
    const winners = runs.filter(({ said }) => said.some(({ fact }) => fact === 'done'));
    return together(
      judge(
        runs.flatMap(({ said }) => said),
        readLog(logOf(scene)),
      ),
      broken([winners.length === 1, `${winners.length} processes write to one file`]),
    );
  };
}

async function aFileEach(scene: Scene): Promise<Findings> {
  const path = scene.path('audit-{pid}.jsonl');
  const runs = await Promise.all(
    range(1, 4).map((each) => scene.run('writer.mjs', writerPlan(path, { from: each * 100, count: 8 }))),
  );
  const logs = runs.map(({ said }) => {
    const pid = said.find(({ fact }) => fact === 'ready')?.value;
    return judge(said, readLog(scene.path(`audit-${String(pid)}.jsonl`)));
  });
  return together(...logs, broken([scene.names().length === 4, 'there are not four files']));
}

/** Resolves when a child has said such a thing, or has ended. */
async function untilSaid(child: ReturnType<Scene['start']>, is: (said: Said) => boolean): Promise<void> {
  let over = false;
  void child.ended.then(() => (over = true));
  while (!over && !saidIn(child.lines).some(is)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A process ends with records in its queue: `batch`, and nobody has waited. */
function ending(how: 'SIGTERM' | 'SIGINT' | NonNullable<WriterPlan['end']>, plan: WriterPlan = {}): Try {
  return async (scene) => {
    const signal = how === 'SIGTERM' || how === 'SIGINT' ? how : undefined;
    const end = how === 'SIGTERM' || how === 'SIGINT' ? 'wait' : how;
    // A process that has run empty stays for what it has gathered.
    const scheduledDelayMillis = how === 'empty' ? 300 : 60_000;
    const whole = { mode: 'batch', log: { scheduledDelayMillis }, follow: {}, end, ...plan } as const;
    const child = scene.start('writer.mjs', writerPlan(logOf(scene), whole));
    await untilSaid(child, ({ fact }) => fact === 'done');
    const held = statSync(logOf(scene), { throwIfNoEntry: false })?.size === 0;
    if (signal !== undefined) child.process.kill(signal);
    const run = runOf(await child.ended);
    return together(
      judge(run.said, readLog(logOf(scene)), { mode: 'batch' }),
      broken(
        [signal === undefined || held, 'nothing was waiting'],
        [signal === undefined || run.signal === signal, `it ended by ${run.signal ?? run.code}`],
        [signal !== undefined || run.signal === null, `it was ended by ${run.signal}`],
      ),
    );
  };
}

/** One sink hangs; the process ends by the signal all the same, and the other sink has everything. */
async function endingWhileASinkHangs(scene: Scene): Promise<Findings> {
  // A listener that never accepts: what is sent to it is never answered.
  const { createServer } = await import('node:net');
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const endpoint = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
  const sinks = [
    { kind: 'file', options: { path: logOf(scene) } },
    { kind: 'http', options: { endpoint } },
  ];
  try {
    return await ending('SIGTERM', { sinks, follow: { deadlineMs: 300 } })(scene);
  } finally {
    server.close();
  }
}

/** ATTACKS 20, 21 and 26 to 28. */
export const fileAttacks: readonly Attack[] = [
  {
    item: 20,
    title: 'folders 0700, files 0600; a wider file is narrowed or refused',
    tries: {
      ...named(['000', '022', '077'], (umask) => `umask ${umask}`, privateFiles),
      ...named(
        pairs([0o644, 0o666, 0o660, 0o604, 0o755], ['narrow', 'refuse'] as const),
        ([mode, wider]) => `${mode.toString(8)}, ${wider}`,
        ([mode, wider]) => existingFile(mode, wider),
      ),
    },
  },
  {
    item: 21,
    title: 'links, FIFOs, directories and ways out of the base are refused',
    tries: named(Object.keys(TRAPS), String, (name) => trap(TRAPS[name] ?? (() => ({})))),
  },
  {
    item: 26,
    title: 'rename with SIGHUP, copytruncate, deletion: reopened or told of',
    tries: named(
      pairs(Object.keys(ROTATIONS), pairs([4, 12, 20], MODES)),
      ([how, [before, mode]]) => `${how} before call ${before}, ${mode}`,
      ([how, [before, mode]]) => rotation(how, before, mode),
    ),
  },
  {
    item: 27,
    title: 'several processes on one path: one writes, or each has a file',
    tries: {
      ...named(
        pairs(
          [2, 5, 5, 5].map((count, index) => ({ count, index })),
          [false, true],
        ),
        ([{ count, index }, stale]) => `${count} at once (${index})${stale ? ', over a stale lock' : ''}`,
        ([{ count }, stale]) => race(count, stale),
      ),
      'a file each': aFileEach,
    },
  },
  {
    item: 28,
    title: 'SIGTERM, process.exit, an uncaught exception: what was held is written within a deadline',
    tries: {
      ...named(
        pairs(['SIGTERM', 'SIGINT', 'exit', 'throw', 'reject', 'empty'] as const, [1, 24, 500]),
        ([how, count]) => `${how} with ${count} records held`,
        ([how, count]) => ending(how, { count }),
      ),
      ...named(
        ['exit', 'empty'] as const,
        (how) => `a worker: ${how}`,
        (how) => ending(how, { worker: true }),
      ),
      'SIGTERM while a sink hangs': endingWhileASinkHangs,
    },
  },
];
