import { closeSync, fdatasync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeLine } from '../../lib/codecs/json.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { draft, numbered } from '../../spec/support/drafts.js';
import type { Question } from '../harness/question.js';
import { scratch } from '../tools/measure.js';

const CALLERS = 64;
const sync = promisify(fdatasync);

async function concurrently(each: number, write: () => Promise<void>): Promise<void> {
  const caller = async () => {
    for (let i = 0; i < each; i++) await write();
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

async function grouped(path: string, each: number): Promise<void> {
  const pipeline = createPipeline({ sinks: [new FileSink(path)], acks: 'durable' });
  await concurrently(each, () => pipeline.accept(draft()));
  await pipeline.shutdown();
}

/** One after the other, as whoever writes and syncs each record by itself has to. */
async function oneByOne(path: string, each: number): Promise<void> {
  const fd = openSync(path, 'a', 0o600);
  let last = Promise.resolve();
  await concurrently(each, () => {
    last = last.then(() => {
      writeSync(fd, `${encodeLine(numbered(0))}\n`);
      return sync(fd);
    });
    return last;
  });
  closeSync(fd);
}

const GROUPED = "FileSink, acks: 'durable'";
const ONE_BY_ONE = 'a write and fdatasync per record';

export const groupCommit: Question = {
  name: 'group-commit',
  asks: 'What does group commit save 64 callers who each wait until their record is on the disk?',
  rounds: 5,
  quick: false,
  ratios: [
    {
      name: 'group commit, to a sync per record',
      of: (round) => round.of(GROUPED) / round.of(ONE_BY_ONE),
      atLeast: 10,
    },
  ],
  prepare: ({ quick }) => {
    const each = quick ? 25 : 100;
    return {
      cases: Object.entries({ [GROUPED]: grouped, [ONE_BY_ONE]: oneByOne }).map(([name, run]) => ({
        name,
        measure: async () => {
          const folder = scratch(process.cwd());
          try {
            const start = performance.now();
            await run(join(folder.path, 'log.jsonl'), each);
            return { 'durable records a second': (CALLERS * each * 1000) / (performance.now() - start) };
          } finally {
            folder.remove();
          }
        },
      })),
    };
  },
};
