import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import type { FileIntegrityOptions } from '../../lib/sinks/file/sealing.js';
import { newWitnessKey } from '../../spec/support/signing.js';
import { startWitness } from '../../spec/support/witness.js';
import { parseVkey } from '../../lib/integrity/tlog/note.js';
import { resolveIntegrity } from '../../lib/integrity/sealing/options.js';
import type { Case, Question } from '../harness/question.js';
import { cpuOf, nextTurn, scratch } from '../tools/measure.js';
import { end, endedCall } from '../tools/operations.js';

/** So many end in one turn of the event loop: a busy client's. */
const BATCH = 64;
const EVERY = 1000;

/**
 * What a caller waits for: its operation is handed over. Only that is measured; the log is written, sealed and cosigned
 * between the batches, and at the end of each round.
 */
function handedOver(name: string, batches: number, integrity: FileIntegrityOptions, path: string) {
  const sink = new FileSink({ path, integrity });
  const processor = new AuditSpanProcessor({
    environment: 'benchmark',
    mode: 'batch',
    sink,
    maxQueueSize: 10 * BATCH,
  }).enable();
  return {
    name,
    close: () => processor.shutdown(),
    measure: async () => {
      let micros = 0;
      for (let batch = 0; batch < batches; batch++) {
        const operations = Array.from({ length: BATCH }, (_, index) => endedCall({ query: 'x' }, index));
        micros += await cpuOf(() => {
          for (const operation of operations) end(processor, operation);
        });
        await nextTurn();
      }
      await processor.forceFlush();
      return { 'CPU µs a record': micros / batches / BATCH };
    },
  } satisfies Case & { close(): Promise<void> };
}

const [SEALED, WITNESSED] = ['sealed', 'witnessed'];

export const witnessed: Question = {
  name: 'witnessed',
  asks: 'Does a caller in `batch` wait for anything because the log is witnessed?',
  rounds: 9,
  quick: true,
  ratios: [
    { name: 'witnessed, to sealed', of: (round) => round.of(WITNESSED) / round.of(SEALED), atMost: 1.1 },
    { name: 'cosignatures a round', of: (round) => round.of(WITNESSED, 'cosignatures'), atLeast: 1 },
  ],
  prepare: async ({ quick }) => {
    const batches = quick ? 80 : 400;
    const folder = scratch();
    const optionsOf = (name: string) => ({
      origin: `bench.example/${name}`,
      key: { generate: `${folder.path}/${name}.pem` },
      checkpointEvery: EVERY,
    });
    const { signer } = resolveIntegrity(optionsOf(WITNESSED));
    const key = newWitnessKey('witness.example/bench');
    const witness = await startWitness('bench', `${folder.path}/witness`, [parseVkey(signer.vkey)], key);
    const policy = `${witness.line}quorum bench\n`;
    const sealed = handedOver(SEALED, batches, optionsOf(SEALED), `${folder.path}/sealed.jsonl`);
    const both = handedOver(
      WITNESSED,
      batches,
      { ...optionsOf(WITNESSED), witnesses: { policy } },
      `${folder.path}/witnessed.jsonl`,
    );
    const cosigned = () => witness.answers.filter((status) => status === 200).length;
    // Not measured: the code is compiled.
    await sealed.measure();
    await both.measure();
    return {
      cases: [
        sealed,
        {
          name: WITNESSED,
          measure: async () => {
            const before = cosigned();
            const figures = await both.measure();
            return { ...figures, cosignatures: cosigned() - before };
          },
        },
      ],
      close: async () => {
        await Promise.all([sealed.close(), both.close()]);
        await witness.stop();
        folder.remove();
      },
    };
  },
};
