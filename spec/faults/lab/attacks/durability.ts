// Time as others give it, the files of a spool, second writers, answers that break off, what becomes of a log's file.
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../../../support/httpReceiver.js';
import { inNamespaces } from '../../../support/namespaces.js';
import { broken, together, type Attack, type Findings, type Try } from '../attack.js';
import { TAKEN, type Inbox } from '../inbox.js';
import { gapOf, judge, readLog } from '../judge.js';
import { runOf, type Said, type Scene } from '../scene.js';
import { receiving, send } from './sending.js';
import { logOf, named, pairs, toldCount, write, writerPlan, type WriterPlan } from './writing.js';

const DAY_S = 86_400;
const PAUSES: Readonly<Record<string, () => string>> = {
  'more than a timer takes': () => String(30 * DAY_S),
  'milliseconds by mistake': () => '1767225600000',
  'the end of the calendar': () => 'Fri, 31 Dec 9999 23:59:59 GMT',
  'forty days from now': () => new Date(Date.now() + 40 * DAY_S * 1_000).toUTCString(),
  'a number beyond numbers': () => '9'.repeat(400),
  'a date in the past': () => new Date(Date.now() - DAY_S * 1_000).toUTCString(),
  'a negative number': () => '-30',
  'no time at all': () => 'soon',
};

const spoolBefore = (scene: Scene, endpoint: string, segmentBytes = 4_000) => ({
  kind: 'spool',
  options: {
    ...{ directory: scene.path('spool'), segmentBytes, maxExportBatchSize: 4 },
    inner: { kind: 'http', options: { endpoint, retry: { maxAttempts: 1 } } },
  },
});

/** A receiver names a pause that is none: it is asked again at a civil pace, and not flooded. */
function farAway(pause: string, spooled: boolean): Try {
  return (scene) =>
    receiving(
      () => ({
        takes: false,
        answer: (response) => response.writeHead(503, { 'retry-after': PAUSES[pause]?.() }).end(),
      }),
      async (inbox) => {
        const plan: WriterPlan = {
          count: 1,
          log: { exportTimeoutMillis: 2_000 },
          pauseMs: 2_000,
          end: 'exit',
        };
        const run = spooled
          ? await write(scene, { ...plan, sinks: [spoolBefore(scene, inbox.url)] })
          : await send(scene, inbox.url, {}, plan);
        const { length } = inbox.requests;
        return broken(
          [length >= 1, `nothing was sent: ${run.stderr}`],
          // Attempts of the sink and of the pipeline with their pauses; a timer that overflows makes hundreds a second.
          [length <= 40, `${length} requests in two seconds`],
          [toldCount(run.said, spooled ? 'ok' : 'failed') === 1, 'the caller was told otherwise'],
        );
      },
    );
}

/** What somebody does to the files of a spool that no process has open. */
const DAMAGES: Readonly<Record<string, (files: readonly string[]) => void>> = {
  'its segments are removed': (files) =>
    files.filter((path) => path.endsWith('.spool')).forEach((path) => rmSync(path)),
  'its first segment is removed': ([first = '']) => rmSync(first),
  'its last segment is cut': (files) => {
    const path = files.filter((each) => each.endsWith('.spool')).at(-1) ?? '';
    truncateSync(path, statSync(path).size >> 1);
  },
  'an empty segment follows': ([first = '']) => writeFileSync(join(first, '..', '00000099.spool'), ''),
  'its state is removed': (files) =>
    files.filter((path) => path.endsWith('.json')).forEach((path) => rmSync(path)),
  'its state is from another world': (files) =>
    files
      .filter((path) => path.endsWith('cursor.json'))
      .forEach((path) => writeFileSync(path, '{"segment":77,"offset":999999}')),
  'a line is changed': ([first = '']) =>
    writeFileSync(first, readFileSync(first, 'utf8').replace('call/1"', 'call/7"')),
};

/** Records wait in a spool, something happens to it, another process goes on: all are delivered, or told of as lost. */
function damaged(how: string): Try {
  return async (scene) => {
    const away = 'http://127.0.0.1:1/';
    const first = await write(scene, { count: 12, sinks: [spoolBefore(scene, away)], end: 'exit' });
    const folder = scene.path('spool');
    const files = readdirSync(folder)
      .filter((name) => /spool$|json$/.test(name))
      .sort()
      .map((name) => join(folder, name));
    DAMAGES[how]?.(files);
    return receiving(
      () => TAKEN,
      async (inbox) => {
        const plan: WriterPlan = { from: 1_000, count: 4, sinks: [spoolBefore(scene, inbox.url)] };
        const next = await write(scene, plan);
        return together(
          accounted([...first.said, ...next.said], inbox),
          broken([
            next.said.some(({ ended }) => ended === 'ok'),
            `the second did not end well: ${next.stderr}`,
          ]),
        );
      },
    );
  };
}

/** A process with a spool is killed as a system call begins; another one goes on with what it left. */
function killedSpooling(call: string, nth: number): Try {
  return (scene) =>
    receiving(
      () => TAKEN,
      async (inbox) => {
        // All in one segment, since strace counts the calls that concern that file.
        const sinks = [spoolBefore(scene, inbox.url, 1_000_000)];
        const trace = ['-f', '-qq', '-o', scene.path('strace.txt'), '-E', 'UV_THREADPOOL_SIZE=1'];
        const segment = join(scene.path('spool'), '00000001.spool');
        const fault = ['-P', segment, '-e', `inject=${call}:signal=SIGKILL:when=${nth}`];
        const first = await write(scene, { count: 24, sinks }, { wrapper: ['strace', ...trace, ...fault] });
        const next = await write(scene, { from: 1_000, count: 4, sinks });
        return together(
          accounted([...first.said, ...next.said], inbox),
          broken(
            [first.signal === 'SIGKILL', `it was not killed: ${first.stderr}`],
            [next.said.some(({ ended }) => ended === 'ok'), `the second did not end well: ${next.stderr}`],
          ),
        );
      },
    );
}

/** Each record whose caller was told that all is well is with the receiver or told of; no number is there twice. */
function accounted(said: readonly Said[], inbox: Inbox): Findings {
  const records = [...new Map(inbox.taken.map((record) => [record.record_id, record])).values()];
  const works = new Set(records.map(({ resource }) => resource));
  const missing = said.filter(
    ({ told, as }) => told !== undefined && as === 'ok' && !works.has(`call/${told}`),
  );
  const told = records.reduce((sum, record) => sum + gapOf(record), 0);
  const numbers = records.filter((record) => gapOf(record) === 0).map(({ seq }) => seq);
  return {
    lost: missing
      .slice(told)
      .map((each) => `call/${each.told} was acknowledged, and no gap record tells of it`),
    untrue: numbers.length === new Set(numbers).size ? [] : ['a number is there twice'],
  };
}

/** While one writes, in a container of its own, another one is refused; when the first is killed, it gets in. */
function secondWriter(where: string): Try {
  const [mine = {}, other = {}] = NEIGHBOURS[where] ?? [];
  return async (scene) => {
    const path = logOf(scene);
    const plan = { file: { staleLockMs: 1_000, checkIntervalMs: 0 } };
    const holder = scene.start('writer.mjs', writerPlan(path, { ...plan, count: 8, end: 'wait' }), {
      wrapper: inNamespaces(mine),
    });
    while (!holder.lines.some((line) => line.includes('"done"'))) {
      if (holder.process.exitCode !== null) return { broken: ['the first writer ended'] };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const refused = await write(scene, { ...plan, from: 500, count: 4 }, { wrapper: inNamespaces(other) });
    holder.process.kill('SIGKILL');
    const first = runOf(await holder.ended);
    // Where only heartbeats tell, a dead holder is not believed to be dead before its lease has ended.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const next = await write(scene, { ...plan, from: 1_000, count: 4 }, { wrapper: inNamespaces(other) });
    return together(
      judge([...first.said, ...next.said], readLog(path), { cut: true }),
      broken(
        [refused.said.some(({ thrown }) => thrown?.name === 'ConfigError'), 'a second writer got in'],
        [toldCount(next.said, 'ok') === 4, `the heir did not get in: ${next.stderr}`],
      ),
    );
  };
}

const NEIGHBOURS: Readonly<Record<string, [object, object]>> = {
  'other process ids': [{}, {}],
  'other host names': [{ host: 'agent-1' }, { host: 'agent-2' }],
  'no lock of the kernel': [
    { host: 'agent-1', withoutFlock: true },
    { host: 'agent-2', withoutFlock: true },
  ],
};

/** Answers after which it is in doubt whether the receiver has the records, and is not. */
const ANSWERS: Readonly<Record<string, { answer: Answer; first?: boolean }>> = {
  'a 200 whose body is cut off': {
    answer: (response) => {
      response.writeHead(200, { 'content-length': 1_000 }).write('x');
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
    },
  },
  'a 200 whose body never ends': { answer: (response) => void response.writeHead(200).write(':') },
  'a 200 of another length': {
    answer: (response) => response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
  },
};

function onlyOnce(how: string): Try {
  const { answer = 200 } = ANSWERS[how] ?? {};
  return (scene) =>
    receiving(
      () => ({ takes: true, answer }),
      async (inbox) => {
        const { said } = await send(scene, inbox.url, { timeoutMs: 3_000 }, { count: 2, group: 1 });
        return together(
          judge(said, inbox.log),
          broken(
            [toldCount(said, 'ok') === 2, 'callers were told otherwise'],
            [
              inbox.taken.length === new Set(inbox.taken.map(({ record_id: id }) => id)).size,
              'one came twice',
            ],
          ),
        );
      },
    );
}

/** A receiver switches protocols, once: the sink is not stuck. */
const switching: Try = (scene) =>
  receiving(
    (nth) =>
      nth === 0
        ? {
            takes: false,
            answer: ({ socket }) =>
              void socket?.write(
                'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
              ),
          }
        : TAKEN,
    async (inbox) => {
      const { said } = await send(scene, inbox.url, { timeoutMs: 2_000 });
      return together(judge(said, inbox.log), broken([toldCount(said, 'ok') === 8, 'it was stuck']));
    },
  );

/** The mode that a log was given stays, over restarts, rotations and a deletion. */
function keptMode(how: string): Try {
  return async (scene) => {
    const file = {
      mode: 0o640,
      checkIntervalMs: 0,
      ...(how === 'rotated' && { rotate: { maxBytes: 3_000 } }),
    };
    const act = how === 'deleted' ? [{ before: 4, do: 'delete', path: logOf(scene) }] : [];
    const first = await write(scene, { file, count: 8, acts: act });
    const next = await write(scene, { file, from: 1_000, count: 8 });
    const logs = scene.names().filter((name) => /jsonl(\.\d+)?$/.test(name));
    return broken(
      [toldCount(first.said, 'ok') + toldCount(next.said, 'ok') === 16, `${first.stderr}${next.stderr}`],
      ...logs.map(
        (name) => [(statSync(scene.path(name)).mode & 0o777) === 0o640, `${name} has another mode`] as const,
      ),
    );
  };
}

/** A log that an editor of Windows has saved: it is gone on with, and every record of it counts. */
const marked: Try = async (scene) => {
  const path = logOf(scene);
  const first = await write(scene, { count: 4 });
  writeFileSync(path, `\ufeff${readFileSync(path, 'utf8')}`);
  const next = await write(scene, { from: 1_000, count: 4 });
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^\ufeff/, ''));
  return judge([...first.said, ...next.said], readLog(path));
};

/** What is written to a deleted file before anybody looks is written again. */
const written: Try = async (scene) => {
  const path = logOf(scene);
  const acts = [{ before: 4, do: 'delete', path }];
  const { said } = await write(scene, { count: 12, acts, file: { checkIntervalMs: 3_600_000 } });
  const there = existsSync(path) ? readLog(path).records.map(({ resource }) => resource) : [];
  const after = said.filter(({ told = 0, as }) => as === 'ok' && told >= 4);
  return {
    lost: after.flatMap(({ told }) => (there.includes(`call/${told}`) ? [] : [`call/${told}`])),
    ...broken([said.some(({ notice }) => notice === 'deleted'), 'the deletion was not noticed']),
  };
};

/** ATTACKS 44 to 49. */
export const durabilityAttacks: readonly Attack[] = [
  {
    item: 44,
    title: 'a pause that no timer takes, or that is none, makes no flood',
    tries: named(
      pairs(Object.keys(PAUSES), [false, true]),
      ([pause, spooled]) => `${pause}${spooled ? ', behind a spool' : ''}`,
      ([pause, spooled]) => farAway(pause, spooled),
    ),
  },
  {
    item: 45,
    title: 'the files of a spool are removed, cut, changed: all is delivered or told of',
    tries: named(Object.keys(DAMAGES), String, damaged),
  },
  {
    item: 46,
    title: 'a second writer in another container is refused, and gets in when the first is killed',
    needs: 'namespaces',
    tries: named(Object.keys(NEIGHBOURS), String, secondWriter),
  },
  {
    item: 47,
    title: 'an answer that breaks off is an answer; another protocol does not hold up the log',
    tries: { ...named(Object.keys(ANSWERS), String, onlyOnce), 'another protocol': switching },
  },
  {
    item: 48,
    title: 'a mode stays, a byte order mark is skipped, what went into a deleted file is written again',
    tries: {
      ...named(['restarted', 'rotated', 'deleted'], (how) => `0640, ${how}`, keptMode),
      'a byte order mark': marked,
      'a deleted file': written,
    },
  },
  {
    item: 49,
    title: 'a process with a spool is killed as it writes and syncs',
    needs: 'strace',
    tries: named(
      pairs(['write', 'fdatasync'], [1, 2, 3, 5]),
      ([call, nth]) => `${call} ${nth}`,
      ([call, nth]) => killedSpooling(call, nth),
    ),
  },
];
