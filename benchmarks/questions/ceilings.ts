import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../lib/codecs/json.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FileSink, type FileSinkOptions } from '../../lib/sinks/file/fileSink.js';
import { sampleRecord } from '../../spec/support/sampleRecords.js';
import type { Case, Question } from '../harness/question.js';
import { nextTurn, scratch } from '../tools/measure.js';

const BURST = 500;
const records = Array.from({ length: 256 }, (_, index) => sampleRecord(index));
const lines = records.map((record) => Buffer.from(`${encodeLine(record)}\n`));
const [STRINGIFY, HASH, WRITE, SYNC] = [
  'JSON.stringify',
  'SHA-256 of each line',
  'write, 64 lines at a time',
  'fdatasync after each write',
];
const [PLAIN, SEALED, DURABLE] = [
  'FileSink, batch',
  'FileSink, batch, sealed',
  "FileSink, acks: 'durable', 64 callers",
];

/** Times `count` rounds of some work, in thousands a second. */
function rate(name: string, count: number, work: (index: number) => unknown, finish?: () => void): Case {
  return {
    name,
    measure: () => {
      const start = performance.now();
      for (let i = 0; i < count; i++) work(i);
      finish?.();
      return { 'thousand records a second': count / (performance.now() - start) };
    },
  };
}

function machine(folder: string, count: number): Case[] {
  const chunk = Buffer.concat(lines.slice(0, 64));
  const fd = () => openSync(join(folder, 'ceiling'), 'w');
  const writes = {
    measure: () => {
      const file = fd();
      const start = performance.now();
      for (let i = 0; i < count; i += 64) writeSync(file, chunk);
      const figure = count / (performance.now() - start);
      closeSync(file);
      return { 'thousand records a second': figure };
    },
  };
  const syncs = {
    measure: () => {
      const file = fd();
      const start = performance.now();
      for (let i = 0; i < count / 10; i += 64) {
        writeSync(file, chunk);
        fdatasyncSync(file);
      }
      const figure = count / 10 / (performance.now() - start);
      closeSync(file);
      return { 'thousand records a second': figure };
    },
  };
  return [
    rate(STRINGIFY, count, (i) => JSON.stringify(records[i % records.length])),
    rate(HASH, count, (i) =>
      createHash('sha256')
        .update(lines[i % lines.length]!)
        .digest(),
    ),
    { name: WRITE, ...writes },
    { name: `${SYNC} of 64`, ...syncs },
  ];
}

function ours(name: string, count: number, options: Partial<FileSinkOptions>, durable = false): Case {
  return {
    name,
    measure: async () => {
      const folder = scratch(process.cwd());
      const integrity = { origin: 'bench.example/log', key: { generate: join(folder.path, 'key.pem') } };
      const sink = new FileSink({
        path: join(folder.path, 'log.jsonl'),
        ...options,
        ...(name === SEALED && { integrity }),
      });
      const pipeline = createPipeline({
        sinks: [sink],
        maxQueueSize: count,
        ...(durable ? { acks: 'durable' } : { mode: 'batch' }),
      });
      const start = performance.now();
      if (durable) await callers(64, count, () => pipeline.accept(records[0]!));
      else
        for (let i = 0; i < count; i++) {
          void pipeline.accept(records[i % records.length]!);
          if (i % BURST === 0) await nextTurn();
        }
      await pipeline.forceFlush();
      const figure = count / (performance.now() - start);
      await pipeline.shutdown();
      folder.remove();
      return { 'thousand records a second': figure };
    },
  };
}

async function callers(many: number, count: number, call: () => Promise<void>): Promise<void> {
  const caller = async () => {
    for (let i = 0; i < count / many; i++) await call();
  };
  await Promise.all(Array.from({ length: many }, caller));
}

/** The machine's own limits, each reached by a loop that does nothing else, and what a log makes of them together. */
export const ceilings: Question = {
  name: 'ceilings',
  asks: 'How close to what the machine can do is the file sink?',
  rounds: 5,
  quick: true,
  ratios: [
    {
      name: `${PLAIN}, to stringify and write one after the other`,
      of: (r) => r.of(PLAIN) * (1 / r.of(STRINGIFY) + 1 / r.of(WRITE)),
    },
    {
      name: `${SEALED}, to stringify, SHA-256 and write one after the other`,
      of: (r) => r.of(SEALED) * (1 / r.of(STRINGIFY) + 1 / r.of(HASH) + 1 / r.of(WRITE)),
    },
    { name: `${DURABLE}, to ${SYNC} of 64`, of: (r) => r.of(DURABLE) / r.of(`${SYNC} of 64`) },
  ],
  prepare: ({ quick }) => {
    const count = quick ? 20_000 : 100_000;
    const folder = scratch(process.cwd());
    return {
      cases: [
        ...machine(folder.path, count),
        ours(PLAIN, count, {}),
        ours(SEALED, count, {}),
        ours(DURABLE, count / 10, {}, true),
      ],
      close: () => folder.remove(),
    };
  },
};
