// What only the kernel can do to a log: errors, short writes, death in the middle of a system call.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildOptions } from '../../../support/child.js';
import { broken, together, type Attack, type Findings, type Try } from '../attack.js';
import { judge, readLog } from '../judge.js';
import type { Scene } from '../scene.js';
import {
  logOf,
  named,
  pairs,
  range,
  restartAndJudge,
  toldCount,
  WAITING,
  write,
  writerPlan,
  type WriterPlan,
} from './writing.js';

/** Starts Node under strace, which spoils the calls that concern the log. */
function strace(scene: Scene, fault: string): ChildOptions {
  const trace = ['-f', '-qq', '-o', scene.path('strace.txt'), '-P', logOf(scene)];
  // One thread for fdatasync, since strace counts calls per thread.
  return { wrapper: ['strace', ...trace, '-E', 'UV_THREADPOOL_SIZE=1', '-e', `inject=${fault}`] };
}

const happened = (scene: Scene): Findings =>
  broken([readFileSync(scene.path('strace.txt'), 'utf8').includes('(INJECTED)'), 'the fault did not happen']);

const limited = (blocks: number, ...rest: string[]): string[] => [
  'bash',
  '-c',
  `ulimit -f ${blocks}; exec "$@"`,
  'bash',
  ...rest,
];

/** A few writes fail, for less or for more time than callers wait. */
function failingWrites(error: string, first: number, mode: (typeof WAITING)[number], long: boolean): Try {
  return async (scene) => {
    const plan: WriterPlan = {
      mode,
      log: { exportTimeoutMillis: long ? 40 : 10_000 },
      count: 40,
      ...(long && { pauseMs: 30, untilOk: true }),
    };
    const fault = `write:error=${error}:when=${first}..${first + (long ? 3 : 1)}`;
    const { said } = await write(scene, plan, strace(scene, fault));
    const told = said.filter((each) => each.told !== undefined);
    const unwell = toldCount(said, mode === 'blocking' ? 'failed' : 'refused');
    return together(
      happened(scene),
      judge(said, readLog(logOf(scene)), { mode }),
      broken(
        [said.some(({ alarm }) => alarm !== undefined), 'there was no alarm'],
        [told.at(-1)?.as === 'ok', 'it did not recover'],
        [long ? unwell > 0 : toldCount(said, 'ok') === 40, `${unwell} callers were told of a failure`],
        [said.some(({ ended }) => ended === 'ok'), 'the shutdown failed'],
      ),
    );
  };
}

/** A disk that fills up while the log is written, and has room again later. */
function fullDisk(at: number, mode: (typeof WAITING)[number]): Try {
  return async (scene) => {
    const disk = scene.path('disk');
    mkdirSync(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).status !== 0)
      return { broken: ['the disk could not be mounted'] };
    try {
      const path = join(disk, 'audit.jsonl');
      const ballast = join(disk, 'ballast');
      const plan = writerPlan(path, {
        mode,
        log: { exportTimeoutMillis: 60 },
        filling: 1_500,
        count: at + 24,
        pauseMs: 30,
        untilOk: true,
        acts: [
          { before: at, do: 'fill', path: ballast, folder: disk },
          { before: at + 12, do: 'delete', path: ballast },
        ],
      });
      const { said } = await scene.run('writer.mjs', plan);
      const last = said.filter((each) => each.told !== undefined).at(-1);
      return together(
        judge(said, readLog(path), { mode }),
        broken(
          [toldCount(said, mode === 'blocking' ? 'failed' : 'refused') > 0, 'no caller was told'],
          [last?.as === 'ok', 'it did not recover'],
        ),
      );
    } finally {
      spawnSync('umount', ['--lazy', disk]);
    }
  };
}

/** The file may not grow beyond so many kilobytes: the write that crosses the limit is short. */
function shortWrite(blocks: number, mode: (typeof WAITING)[number]): Try {
  return async (scene) => {
    const plan: WriterPlan = { mode, log: { exportTimeoutMillis: 40 }, filling: 300, end: 'exit' };
    const { said } = await write(scene, plan, { wrapper: limited(blocks) });
    return together(
      broken([toldCount(said, mode === 'blocking' ? 'failed' : 'refused') > 0, 'the limit was not reached']),
      broken(...readLog(logOf(scene)).broken.map((what) => [false, what] as const)),
      await restartAndJudge(scene, said, plan),
    );
  };
}

/** An fdatasync fails: once, and the record goes in anew; or from then on, and nothing is durable any more. */
function failingSync(nth: number, mode: (typeof WAITING)[number], forGood: boolean): Try {
  return async (scene) => {
    const plan: WriterPlan = {
      mode,
      log: { acks: 'durable', exportTimeoutMillis: forGood ? 60 : 10_000 },
      end: 'exit',
    };
    const fault = `fdatasync:error=EIO:when=${nth}${forGood ? '+' : ''}`;
    const { said } = await write(scene, plan, strace(scene, fault));
    const acknowledged = toldCount(said, 'ok');
    // A group of four needs one sync that succeeds; a strict one another before, for its intents.
    const most = 4 * (mode === 'blocking' ? nth - 1 : Math.floor((nth - 1) / 2));
    const begun = said.filter((each) => each.begun !== undefined).length;
    const strictMost = 4 * Math.ceil((nth - 1) / 2);
    return together(
      happened(scene),
      judge(said, readLog(logOf(scene)), { mode }),
      broken(
        [forGood || acknowledged === 24, `${acknowledged} of 24 were acknowledged`],
        [
          !forGood || mode !== 'blocking' || acknowledged <= most,
          `${acknowledged} were called durable, ${most} were`,
        ],
        [
          !forGood || mode !== 'blocking-strict' || begun <= strictMost,
          `${begun} were begun, ${strictMost} could be`,
        ],
      ),
    );
  };
}

/** Killed as a system call on the log begins; the next process finds what is there. */
function killedAt(call: string, nth: number, plan: WriterPlan): Try {
  return async (scene) => {
    const first = await write(
      scene,
      { count: 400, ...plan },
      strace(scene, `${call}:signal=SIGKILL:when=${nth}`),
    );
    return together(
      broken([first.signal === 'SIGKILL', `it was not killed: ${first.stderr}`]),
      await restartAndJudge(scene, first.said, plan),
    );
  };
}

/** Killed after the first part of a write, before the rest of it or its removal. */
function killedInAWrite(blocks: number, plan: WriterPlan): Try {
  return async (scene) => {
    const { wrapper = [] } = strace(scene, 'ftruncate:signal=SIGKILL:when=1');
    const first = await write(scene, { filling: 300, ...plan }, { wrapper: limited(blocks, ...wrapper) });
    const torn = readLog(logOf(scene)).broken.length > 0;
    const after = await restartAndJudge(scene, first.said, plan);
    return together(
      after,
      broken(
        [first.signal === 'SIGKILL' && torn, 'it was not killed in the middle of a line'],
        [scene.names().some((name) => name.includes('.torn-')), 'the torn bytes were not kept'],
      ),
    );
  };
}

const sealed = { integrity: { origin: 'lab.example.com/log', key: { generate: '' }, checkpointEvery: 10 } };
const SHAPES: Readonly<Record<string, (scene: Scene) => WriterPlan>> = {
  ...named(WAITING, String, (mode) => () => ({ mode })),
  batch: () => ({ mode: 'batch', log: { scheduledDelayMillis: 1 }, pauseMs: 2 }),
  sealed: (scene) => ({
    pauseMs: 2,
    file: { integrity: { ...sealed.integrity, key: { generate: scene.path('key.pem') } } },
  }),
  rotated: () => ({ mode: 'blocking-strict', file: { rotate: { maxBytes: 6_000, compress: true } } }),
};

/** Deaths at the n-th of one system call, for every way of keeping a log. */
function deaths(call: string, nths: readonly number[], shapes = Object.keys(SHAPES)): Record<string, Try> {
  return named(
    pairs(nths, shapes),
    ([nth, shape]) => `SIGKILL at ${call} ${nth}, ${shape}`,
    ([nth, shape]) =>
      (scene) =>
        killedAt(call, nth, SHAPES[shape]?.(scene) ?? {})(scene),
  );
}

/** ATTACKS 22 to 25. */
export const kernelAttacks: readonly Attack[] = [
  {
    item: 22,
    title: 'ENOSPC and EIO in write: refused, told, recovered from',
    needs: 'strace',
    tries: {
      ...named(
        pairs(['ENOSPC', 'EIO'], pairs(range(2, 8), WAITING)),
        ([error, [first, mode]]) => `${error} at write ${first}, ${mode}`,
        ([error, [first, mode]]) => failingWrites(error, first, mode, false),
      ),
      ...named(
        pairs(['ENOSPC', 'EIO'], pairs([2, 5], WAITING)),
        ([error, [first, mode]]) => `${error} from write ${first} on, longer than callers wait, ${mode}`,
        ([error, [first, mode]]) => failingWrites(error, first, mode, true),
      ),
    },
  },
  {
    item: 22,
    title: 'a full disk',
    needs: 'mount',
    tries: named(
      pairs([0, 4, 8, 20], WAITING),
      ([at, mode]) => `full before call ${at}, ${mode}`,
      ([at, mode]) => fullDisk(at, mode),
    ),
  },
  {
    item: 23,
    title: 'short writes leave whole lines',
    tries: named(
      pairs(range(5, 12), WAITING),
      ([blocks, mode]) => `${blocks} KiB, ${mode}`,
      ([blocks, mode]) => shortWrite(blocks, mode),
    ),
  },
  {
    item: 24,
    title: 'what a failed fdatasync covered is never called durable',
    needs: 'strace',
    tries: named(
      pairs(range(1, 5), pairs(WAITING, [false, true])),
      ([nth, [mode, forGood]]) => `EIO ${forGood ? 'from fdatasync' : 'at fdatasync'} ${nth}, ${mode}`,
      ([nth, [mode, forGood]]) => failingSync(nth, mode, forGood),
    ),
  },
  {
    item: 25,
    title: 'SIGKILL in the middle of writing: the restart repairs the end, and has what was acknowledged',
    needs: 'strace',
    tries: {
      ...deaths('write', [1, 2, 3, 5, 8, 13, 21]),
      ...deaths('fdatasync', [1, 2, 5], ['blocking-strict', 'sealed', 'rotated']),
      ...deaths('rename', [1, 2, 3], ['rotated']),
      ...named(
        pairs([5, 7, 9], ['blocking', 'blocking-strict', 'sealed']),
        ([blocks, shape]) => `SIGKILL within the line at ${blocks} KiB, ${shape}`,
        ([blocks, shape]) =>
          (scene) =>
            killedInAWrite(blocks, { log: { exportTimeoutMillis: 500 }, ...SHAPES[shape]?.(scene) })(scene),
      ),
    },
  },
];
