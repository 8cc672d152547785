import * as crypto from 'node:crypto';
import { encodeLine } from '../../lib/codecs/json.js';
import { bytesOfLines } from '../../lib/codecs/line.js';
import { leafHash } from '../../lib/integrity/tlog/merkle.js';
import { CompactRange } from '../../lib/integrity/tlog/merkle.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import type { Sink } from '../../lib/sinks/sink.js';
import type { Case, Question } from '../harness/question.js';
import { allocated, cpuOf, nextTurn, scratch } from '../tools/measure.js';
import { end, endedCall } from '../tools/operations.js';

/** So many end in one turn of the event loop: a busy client's. */
const BATCH = 64;

const ARGUMENTS = {
  message: 'the quick brown fox jumps over the lazy dog',
  count: 3,
  nested: { list: [1, 2.5, true] },
};

/** What the file sink does with records up to its write, tree included: lines, their bytes in one buffer, their hashes. */
function bufferSink(seen: AuditRecord[]): Sink {
  const tree = new CompactRange();
  return {
    name: 'buffer',
    emit: (records) => {
      if (seen.length < BATCH) seen.push(...records);
      const lines = records.map((record) => encodeLine(record));
      const bytes = bytesOfLines(lines);
      for (let from = 0; from < bytes.length;) {
        const to = bytes.indexOf(0x0a, from);
        tree.append(leafHash(bytes.subarray(from, to)));
        from = to + 1;
      }
    },
  };
}

/** Cases that hand operations to a processor; ended operations are made outside of what is measured. */
function audited(name: string, batches: number, sink: Sink): Case & { close(): Promise<void> } {
  const processor = new AuditSpanProcessor({
    environment: 'benchmark',
    mode: 'batch',
    sink,
    maxQueueSize: 10 * BATCH,
  }).enable();
  const take = async (operations: readonly ReturnType<typeof endedCall>[]) => {
    for (const operation of operations) end(processor, operation);
    await nextTurn();
  };
  return {
    name,
    close: () => processor.shutdown(),
    measure: async () => {
      let micros = 0;
      for (let batch = 0; batch < batches; batch++) {
        const operations = Array.from({ length: BATCH }, (_, index) => endedCall(ARGUMENTS, index));
        micros += await cpuOf(() => take(operations));
      }
      micros += await cpuOf(() => processor.forceFlush());
      const operations = Array.from({ length: BATCH }, (_, index) => endedCall(ARGUMENTS, index));
      const bytes = await allocated(() => take(operations));
      return { 'CPU µs a record': micros / batches / BATCH, 'bytes allocated': bytes / BATCH };
    },
  };
}

/** The one-shot form is the faster; it came with Node 20.12. */
const sha256: (text: string) => unknown =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'binary')
    : (text) => crypto.createHash('sha256').update(text).digest();

function floor(batches: number, records: readonly AuditRecord[]): Case {
  const work = () => {
    for (const record of records) sha256(JSON.stringify(record));
  };
  return {
    name: 'floor: JSON.stringify and one SHA-256',
    measure: async () => {
      let micros = 0;
      for (let batch = 0; batch < batches; batch++) micros += await cpuOf(work);
      return {
        'CPU µs a record': micros / batches / records.length,
        'bytes allocated': (await allocated(work)) / records.length,
      };
    },
  };
}

const BUFFER = 'from onEnd to the write buffer, hashed';
const FILE = 'from onEnd to a sealed file, written';

export const perRecord: Question = {
  name: 'per-record',
  asks: 'What does a record cost from onEnd to its bytes in the write buffer, beside the least that it can cost?',
  rounds: 9,
  quick: true,
  ratios: [
    {
      name: `${BUFFER}, to the floor`,
      of: (round) => round.of(BUFFER) / round.of('floor: JSON.stringify and one SHA-256'),
      atMost: 2,
    },
    {
      name: `${FILE}, to the floor`,
      of: (round) => round.of(FILE) / round.of('floor: JSON.stringify and one SHA-256'),
    },
  ],
  prepare: async ({ quick }) => {
    const batches = quick ? 80 : 800;
    const folder = scratch();
    const seen: AuditRecord[] = [];
    const integrity = { origin: 'bench.example/log', key: { generate: `${folder.path}/key.pem` } };
    const buffer = audited(BUFFER, batches, bufferSink(seen));
    const file = audited(FILE, batches, new FileSink({ path: `${folder.path}/audit.jsonl`, integrity }));
    // Not measured: the code is compiled, and the records of the floor are those of a real log.
    await buffer.measure();
    await file.measure();
    return {
      cases: [floor(batches, seen), buffer, file],
      close: async () => {
        await Promise.all([buffer.close(), file.close()]);
        folder.remove();
      },
    };
  },
};
