// Audits numbered pieces of work, and says of each when it begins and what its caller was told. Every fifth one fails.
import { copyFileSync, renameSync, statfsSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import {
  audit,
  AuditSpanProcessor,
  AuditUnavailableError,
  FieldNotesSink,
  FileSink,
  HttpSink,
  SinkError,
  SpoolSink,
} from 'otel-mcp-log';
import { diag, DiagConsoleLogger, DiagLogLevel } from '@opentelemetry/api';
import { alarm, attempt, peakKb, plan as given, say } from './support.mjs';

const plan = workerData ?? given;
const {
  sinks = [],
  log = {},
  from = 0,
  count = 24,
  group = 4,
  filling = 0,
  acts = [],
  pauseMs = 0,
  untilOk = false,
  follow,
  end = 'shutdown',
} = plan;

const MAKE = {
  file: (options) => new FileSink({ ...options, onNotice: ({ kind }) => say({ notice: kind }) }),
  http: (options) => new HttpSink(options),
  fieldNotes: (options) => new FieldNotesSink(options),
  spool: ({ inner, ...options }) =>
    new SpoolSink(make(inner), {
      ...options,
      onError: (error, info) => alarm(error, { lost: info.lost ?? 0 }),
    }),
};
const make = ({ kind, options, sink, ...entry }) =>
  sink ? { sink: make(sink), ...entry } : MAKE[kind](options);

const ACTS = {
  rename: ({ path }) => renameSync(path, `${path}.old`),
  copytruncate: ({ path }) => (copyFileSync(path, `${path}.copy`), truncateSync(path)),
  delete: ({ path }) => unlinkSync(path),
  hup: () => process.kill(process.pid, 'SIGHUP'),
  // Leaves room for a record or two.
  fill: ({ path, folder }) => {
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(path, Buffer.alloc((bavail - 1) * bsize));
  },
};

const planned = new Error('planned');
const work = audit(
  {
    eventType: 'EVENT_AGENT_DECISION',
    resource: (number) => `call/${number}`,
    data: ({ args: [number] }) => ({ number, filling: 'x'.repeat(filling) }),
  },
  async (number) => {
    say({ begun: number });
    if (number % 5 === 4) throw planned;
    return number;
  },
);

let longestMs = 0;
async function perform(number) {
  const since = performance.now();
  try {
    await work(number);
    say({ told: number, as: 'ok' });
    return true;
  } catch (error) {
    const as =
      error instanceof AuditUnavailableError ? 'refused' : error instanceof SinkError ? 'failed' : 'ok';
    say({ told: number, as, ...(as !== 'ok' && { code: error.code }) });
    return as === 'ok';
  } finally {
    longestMs = Math.max(longestMs, performance.now() - since);
  }
}

const ENDS = {
  shutdown: () =>
    processor.shutdown().then(
      () => say({ ended: 'ok' }),
      (error) => say({ ended: error.code ?? error.name }),
    ),
  exit: () => process.exit(0),
  throw: () =>
    setTimeout(() => {
      throw new Error('uncaught');
    }),
  reject: () => void Promise.reject(new Error('unhandled')),
  wait: () => void setInterval(() => undefined, 1_000),
  empty: () => undefined,
};

if (plan.diag) diag.setLogger(new DiagConsoleLogger(), { logLevel: DiagLogLevel.ALL });

let processor;
async function run() {
  const made = attempt(() => {
    processor = new AuditSpanProcessor({
      environment: 'lab',
      sinks: sinks.map(make),
      onError: alarm,
      ...log,
    });
    return processor;
  });
  if (made === undefined) return;
  if (follow) processor.followProcess(follow);
  say({ fact: 'ready', value: process.pid });
  for (let next = from; next < from + count;) {
    for (const act of acts) if (act.before >= next && act.before < next + group) ACTS[act.do](act);
    // What a signal is answered with happens in the event loop.
    if (acts.length > 0) await new Promise(setImmediate);
    const until = Math.min(next + group, from + count);
    const group_ = [];
    while (next < until) group_.push(perform(next++));
    await Promise.all(group_);
    if (pauseMs > 0) await sleep(pauseMs);
  }
  // A sink that has failed waits ever longer between its attempts, at random, up to seconds.
  for (let next = from + count; untilOk && !(await perform(next)); next++) await sleep(50);
  say({ fact: 'done', value: { rss: peakKb(), longestMs, stats: processor.stats() } });
  await ENDS[end]();
}

if (isMainThread && plan.worker)
  new Worker(new URL(import.meta.url), { workerData: { ...plan, worker: false }, argv: [process.argv[2]] });
else await run();
