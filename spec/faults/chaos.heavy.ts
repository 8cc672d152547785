import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { expect } from 'chai';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { HttpSink } from '../../lib/sinks/http/httpSink.js';
import { OtlpLogSink } from '../../lib/sinks/otlpLogSink.js';
import { SpoolSink } from '../../lib/sinks/spool/spoolSink.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { ChaoticReceiver, ofLines, WAYS, type Way } from '../support/chaoticReceiver.js';
import { draft } from '../support/drafts.js';
import { randomNumbers } from '../support/randomNumbers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const SEED = Number(process.env['CHAOS_SEED'] ?? 1);
/** An outage, far longer than any deadline of a request: ten minutes at a two-hundredth. The spool's pauses are its own. */
const OUTAGE_MS = 3_000;
const EACH_MS = 600;

interface OtlpBody {
  resourceLogs: { scopeLogs: { logRecords: OtlpRecord[] }[] }[];
}
interface OtlpRecord {
  attributes: { key: string; value: { stringValue?: string } }[];
  body: { stringValue: string };
}

const ofOtlp = (body: string): [string, string][] =>
  (JSON.parse(body) as OtlpBody).resourceLogs
    .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
    .map(({ attributes, body: { stringValue } }) => [
      attributes.find(({ key }) => key === 'log.record.uid')?.value.stringValue ?? '',
      stringValue,
    ]);

const RECEIVERS: Record<string, { split: typeof ofLines; sinkTo: (url: string) => Sink }> = {
  'an HTTP receiver': {
    split: ofLines,
    sinkTo: (endpoint) =>
      new HttpSink({
        endpoint,
        batch: { maxRecords: 50 },
        timeoutMs: 400,
        retry: { maxAttempts: 2, initialDelayMs: 10 },
      }),
  },
  'a collector': {
    split: ofOtlp,
    sinkTo: (url) => new OtlpLogSink({ exporter: new OTLPLogExporter({ url, timeoutMillis: 400 }) }),
  },
};

describe(`chaos at the receivers (CHAOS_SEED=${SEED})`, function () {
  this.timeout(120_000);

  for (const [name, { split, sinkTo }] of Object.entries(RECEIVERS))
    for (const mode of ['batch', 'blocking'] as const)
      it(`leaves ${name} with each record of a ${mode} log, none changed, after all ways to fail`, async () => {
        const folder = temporaryFolder();
        const receiver = new ChaoticReceiver(split);
        await receiver.become('well');
        const errors: Error[] = [];
        const spool = new SpoolSink(sinkTo(receiver.url), {
          directory: join(folder.path, 'spool'),
          onError: (_, { lost }) => void (lost > 0 && errors.push(new Error(`${lost} lost`))),
        });
        const path = join(folder.path, 'audit.jsonl');
        const onError = (error: Error) => void errors.push(error);
        const pipeline = createPipeline({ sinks: [new FileSink(path), spool], mode, onError });
        try {
          const accepted = await auditThrough(receiver, (text) => pipeline.accept(draft({ data: { text } })));
          await receiver.become('well');
          await pipeline.forceFlush();
          while (spool.backlogBytes > 0) await sleep(20);
          await pipeline.shutdown();
          const ids = ofLines(readFileSync(path, 'utf8')).map(([id]) => id);
          expect(errors).to.deep.equal([]);
          expect(ids).to.have.length(accepted);
          expect(new Set(ids)).to.have.property('size', accepted);
          expect([...receiver.taken.keys()].sort()).to.deep.equal([...ids].sort());
          expect(receiver.changed).to.deep.equal([]);
          expect(
            receiver.repeated,
            'nothing came twice: no answer was lost after a delivery',
          ).to.be.greaterThan(0);
        } finally {
          await receiver.close();
          folder.remove();
        }
      });
});

/** Audits at a steady rate while the receiver goes through all of its ways, in an order of the seed's, and an outage. */
async function auditThrough(
  receiver: ChaoticReceiver,
  accept: (text: string) => Promise<unknown>,
): Promise<number> {
  const random = randomNumbers(SEED);
  const order = [...WAYS].sort(() => random() - 0.5);
  const phases: [Way, number][] = [...order.map((way): [Way, number] => [way, EACH_MS]), ['away', OUTAGE_MS]];
  const waiting: Promise<unknown>[] = [];
  for (const [way, length] of phases) {
    await receiver.become(way);
    for (const end = performance.now() + length; performance.now() < end; await sleep(4))
      waiting.push(accept(`${way} ${'x'.repeat(200)}`));
  }
  await Promise.all(waiting);
  return waiting.length;
}
