import { createHash } from 'node:crypto';
import { encodeLine } from '../../lib/codecs/json.js';
import { leafHash, CompactRange } from '../../lib/integrity/tlog/merkle.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { numbered } from '../../spec/support/drafts.js';
import type { Question } from '../harness/question.js';
import { cpuOf, inFolder, nextTurn } from '../tools/measure.js';

const record = (seq: number) =>
  numbered(seq, {
    mcp: { method: 'tools/call', tool_name: 'search', tool_arguments: { query: 'x'.repeat(120) } },
  });

async function emitAll(integrity: boolean, count: number): Promise<number> {
  return inFolder(async (folder) => {
    const options = { origin: 'bench.example/log', key: { generate: `${folder}/key.pem` } };
    const sink = new FileSink({ path: `${folder}/audit.jsonl`, ...(integrity && { integrity: options }) });
    await sink.emit([record(0)]);
    const records = Array.from({ length: count }, (_, i) => record(i + 1));
    const micros = await cpuOf(async () => {
      for (const one of records) {
        const result = sink.emit([one]);
        if (result instanceof Promise) await result;
        // As a client does, let the event loop turn: checkpoints are made in between, and count.
        if (one.seq % 100 === 0) await nextTurn();
      }
    });
    await sink.close();
    return micros / count;
  });
}

const [HASH, TREE, WITHOUT, WITH] = [
  'one SHA-256 of the line',
  'leaf hash and node hashes',
  'FileSink without integrity',
  'FileSink with integrity',
];

export const integrity: Question = {
  name: 'integrity',
  asks: 'What does tamper evidence add to a record?',
  rounds: 5,
  quick: true,
  ratios: [
    { name: 'µs added by integrity', of: (round) => round.of(WITH) - round.of(WITHOUT), atMost: 8 },
    { name: 'FileSink with integrity, to without', of: (round) => round.of(WITH) / round.of(WITHOUT) },
  ],
  prepare: ({ quick }) => {
    const count = quick ? 5_000 : 100_000;
    const line = Buffer.from(encodeLine(record(1)));
    const tree = new CompactRange();
    const perLine = async (work: () => unknown) =>
      (await cpuOf(() => {
        for (let i = 0; i < count; i++) work();
      })) / count;
    const ways: Record<string, () => Promise<number>> = {
      [HASH]: () => perLine(() => createHash('sha256').update(line).digest()),
      [TREE]: () => perLine(() => tree.append(leafHash(line))),
      [WITHOUT]: () => emitAll(false, count),
      [WITH]: () => emitAll(true, count),
    };
    return {
      cases: Object.entries(ways).map(([name, measure]) => ({
        name,
        measure: async () => ({ 'CPU µs a record': await measure() }),
      })),
    };
  },
};
