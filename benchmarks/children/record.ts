// One case of the question "what does a record cost?", in a process of its own: a program has one log, and the machine code of two
// in one process is slower than either's. Arguments: the case, how many batches. Prints the figures of the case.
import * as crypto from 'node:crypto';
import type { AuditOptions } from '../../lib/config.js';
import { encodeLine } from '../../lib/codecs/json.js';
import { bytesOfLines } from '../../lib/codecs/codec.js';
import { CompactRange, leafHash } from '../../lib/integrity/tlog/merkle.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { allocated, cpuOf, nextTurn, scratch } from '../tools/measure.js';
import { end, endedCall } from '../tools/operations.js';

/** So many end in one turn of the event loop: a busy client's. */
const BATCH = 64;
/** Batches before anything is measured, so that the code is compiled. */
const WARM_UP = 400;

const ARGUMENTS = {
  message: 'the quick brown fox jumps over the lazy dog',
  count: 3,
  nested: { list: [1, 2.5, true] },
};

interface Measured {
  /** One batch of work. What it needs and a program would not do is made before, by `prepare`. */
  readonly work: (operations: readonly ReturnType<typeof endedCall>[]) => unknown;
  /** Ends what the batches began. */
  readonly settle?: () => Promise<unknown>;
}

function audited(sink: Sink, options: Partial<AuditOptions> = {}): Measured {
  const processor = new AuditSpanProcessor({
    environment: 'benchmark',
    mode: 'batch',
    sink,
    maxQueueSize: 10 * BATCH,
    ...options,
  }).enable();
  return {
    work: async (operations) => {
      for (const operation of operations) end(processor, operation);
      await nextTurn();
    },
    settle: () => processor.forceFlush(),
  };
}

/** What the file sink does with records up to its write, tree included: lines, their bytes in one buffer, their hashes. */
function bufferSink(): Sink {
  const tree = new CompactRange();
  return {
    name: 'buffer',
    emit: (records) => {
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

/** The one-shot form is the faster; it came with Node 20.12. */
const sha256: (text: string) => unknown =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'binary')
    : (text) => crypto.createHash('sha256').update(text).digest();

/** The records of a real log, made text and hashed. */
async function floor(): Promise<Measured> {
  const records: AuditRecord[] = [];
  const { work, settle } = audited({ name: 'memory', emit: (some) => void records.push(...some) });
  await work(operations());
  await settle?.();
  return {
    work: () => {
      for (const record of records) sha256(JSON.stringify(record));
    },
  };
}

const PERSON = 'u-1029';

/** What no encryption of values in Node does without: AES-GCM over the values that an encrypted record hides, each with its own nonce. */
function bareGcm(): Measured {
  const values = JSON.stringify({ mcp: { tool_arguments: ARGUMENTS }, actor_id: PERSON });
  const [key, nonce] = [crypto.randomBytes(32), Buffer.alloc(12)];
  let number = 0;
  return {
    work: (operations) => {
      for (let rest = operations.length; rest > 0; rest--) {
        nonce.writeUInt32BE(number++);
        const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce);
        cipher.update(values, 'utf8');
        cipher.final();
        cipher.getAuthTag();
      }
    },
  };
}

const operations = () => Array.from({ length: BATCH }, (_, index) => endedCall(ARGUMENTS, index));
const folder = scratch();
const integrity = { origin: 'bench.example/log', key: { generate: `${folder.path}/key.pem` } };
const CASES: Readonly<Record<string, () => Measured | Promise<Measured>>> = {
  floor,
  gcm: bareGcm,
  buffer: () => audited(bufferSink()),
  encrypted: () => audited(bufferSink(), { actorId: PERSON, erasure: { keys: `${folder.path}/keys` } }),
  file: () => audited(new FileSink({ path: `${folder.path}/audit.jsonl`, integrity })),
};

const [name = '', batches] = process.argv.slice(2);
const { work, settle } = await CASES[name]!();
for (let batch = 0; batch < WARM_UP; batch++) await work(operations());
await settle?.();
let micros = 0;
for (let batch = 0; batch < Number(batches); batch++) {
  const ended = operations();
  micros += await cpuOf(() => work(ended));
}
if (settle !== undefined) micros += await cpuOf(settle);
const ended = operations();
const bytes = await allocated(() => work(ended));
const figures = {
  'CPU µs a record': micros / Number(batches) / BATCH,
  'bytes allocated': bytes / BATCH,
};
process.stdout.write(JSON.stringify(figures), () => {
  folder.remove();
  process.exit(0);
});
