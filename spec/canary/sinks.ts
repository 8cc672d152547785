import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as OTLPProtoLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { join } from 'node:path';
import { OPTIONS } from '../../lib/options/tables.js';
import type { DeliveryMode, SinkEntry } from '../../lib/pipeline/options.js';
import { FieldNotesSink } from '../../lib/sinks/http/fieldNotesSink.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { HttpSink } from '../../lib/sinks/http/httpSink.js';
import { OtlpLogSink } from '../../lib/sinks/otlpLogSink.js';
import { SpoolSink } from '../../lib/sinks/spool/spoolSink.js';
import { StdoutSink } from '../../lib/sinks/stdoutSink.js';
import type { Canaries } from './canaries.js';

/** Where a run leaves what it writes, and where it sends the rest. */
export interface Places {
  readonly folder: string;
  /** A receiver that takes everything, and one that refuses everything with a body that quotes secrets. */
  readonly taking: string;
  readonly refusing: string;
}

/** Every sink there is, in every format; those that fail are not waited for. */
export function allSinks(
  { folder, taking, refusing, mode }: Places & { mode: DeliveryMode },
  canaries: Canaries,
): SinkEntry[] {
  const throwing = { name: 'throwing', emit: () => Promise.reject(canaries.error('error of a sink')) };
  const anchor = join(folder, 'anchor');
  const generate = join(folder, 'key.pem');
  const url = (path: string) => `${taking}/${path}`;
  const hmacKey = canaries.word('HttpSink hmacKey', 'option').padEnd(40, 'k');
  // What is not on a disk cannot vouch for an intent.
  const side = mode === 'blocking-strict' ? 'batch' : mode;
  const lossy = (sink: SinkEntry['sink']): SinkEntry => ({ sink, required: false, mode: side });
  return [
    {
      sink: new FileSink({
        path: join(folder, 'audit.jsonl'),
        rotate: { maxBytes: 200_000, compress: true },
        integrity: { origin: 'canary.example/log', key: { generate }, checkpointEvery: 5, anchor },
      }),
    },
    lossy(new StdoutSink()),
    lossy(new StdoutSink({ pretty: true, stream: 'stderr' })),
    ...OPTIONS.HttpSinkOptions.format.choices.map((format) =>
      lossy(new HttpSink({ endpoint: url(`http-${format}`), format, hmacKey, name: format })),
    ),
    lossy(new HttpSink({ endpoint: url('http-array'), batch: { framing: 'array' } })),
    lossy(new FieldNotesSink({ endpoint: url('fieldnotes'), auth: 'none', requestsPerSecond: 10_000 })),
    lossy(new OtlpLogSink({ exporter: new OTLPLogExporter({ url: url('otlp-logs-json') }) })),
    // A provider takes records without a word of what becomes of them.
    { ...lossy(new OtlpLogSink({ loggerProvider: otlpLogger(url('otlp-logs-proto')) })), mode: 'batch' },
    ...failingSinks(folder, refusing, canaries).map(lossy),
    // Where callers wait for it, each operation fails with a SinkError; in strict mode there would be no operation.
    { ...lossy(throwing), required: mode === 'blocking' },
  ];
}

function otlpLogger(url: string): LoggerProvider {
  return new LoggerProvider({
    processors: [new BatchLogRecordProcessor({ exporter: new OTLPProtoLogExporter({ url }) })],
  });
}

function failingSinks(folder: string, refusing: string, canaries: Canaries): SinkEntry['sink'][] {
  const secret = (option: string) => canaries.word(`sink option ${option}`, 'option');
  const retry = { initialDelayMs: 1, maxDelayMs: 1, maxAttempts: 2 };
  const endpoint = (path: string) => `${refusing}/${path}?api_key=${secret(`${path} query`)}`;
  const headers = { authorization: `Bearer ${secret('headers')}` };
  return [
    new HttpSink({
      endpoint: endpoint('400'),
      headers,
      deadLetterFile: join(folder, 'dead.jsonl'),
      name: 'refused',
    }),
    new HttpSink({
      endpoint: `http://127.0.0.1:1/?token=${secret('dead port')}`,
      headers,
      retry,
      name: 'unreachable',
    }),
    new SpoolSink(new HttpSink({ endpoint: endpoint('503'), headers, retry }), {
      directory: join(folder, 'spool'),
    }),
    new FieldNotesSink({
      endpoint: endpoint('401'),
      tokenEndpoint: endpoint('400'),
      clientId: 'canary',
      clientSecret: secret('clientSecret'),
      retry,
      name: 'unauthorized',
    }),
  ];
}
