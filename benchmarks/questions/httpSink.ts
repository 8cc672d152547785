import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { HttpSink, type HttpSinkOptions } from '../../lib/sinks/http/httpSink.js';
import { sampleRecord } from '../../spec/support/sampleRecords.js';
import type { Question } from '../harness/question.js';
import { makeSpans } from '../tools/spans.js';

const BATCH = 512;
const records = Array.from({ length: BATCH }, (_, index) => sampleRecord(index));
const FORMATS: Readonly<Record<string, Partial<HttpSinkOptions>>> = {
  'HttpSink, NDJSON': { format: 'json' },
  'HttpSink, NDJSON, signed': { format: 'json', hmacKey: 'a key' },
  'HttpSink, protobuf': { format: 'protobuf' },
};
const PLAIN = 'OTLP trace exporter, spans of an instrumented client';
const LONG = "OTLP trace exporter, spans of a record's length";

/** A sender of one batch, by its name. */
type Senders = Record<string, () => Promise<void>>;

function sinks(endpoint: string): Senders {
  const entries = Object.entries(FORMATS).map(([name, options]): [string, () => Promise<void>] => {
    const sink = new HttpSink({ endpoint, batch: { maxRecords: BATCH }, ...options });
    return [
      name,
      async () => {
        const { status } = await sink.emit(records);
        if (status !== 'delivered') throw new Error(`${name}: ${status}`);
      },
    ];
  });
  return Object.fromEntries(entries);
}

function exporters(exporter: OTLPTraceExporter): Senders {
  const send = (spans: ReadableSpan[]) => () =>
    new Promise<void>((resolve, reject) =>
      exporter.export(spans, ({ code, error }) =>
        code === 0 ? resolve() : reject(error ?? new Error('export failed')),
      ),
    );
  // With what a record says besides, so that as many bytes are sent.
  const more = {
    'gen_ai.tool.call.arguments': JSON.stringify(records[1]?.mcp?.tool_arguments ?? {}),
    'audit.record': 'x'.repeat(500),
  };
  return { [PLAIN]: send(makeSpans(BATCH)), [LONG]: send(makeSpans(BATCH, more)) };
}

export const httpSink: Question = {
  name: 'http',
  asks: "How many records a second does HttpSink deliver, and how many spans OpenTelemetry's OTLP exporter, to the same receiver?",
  rounds: 7,
  quick: true,
  ratios: [LONG, PLAIN].map((name) => ({
    name: `HttpSink, NDJSON, to ${name}`,
    of: (round) => round.of('HttpSink, NDJSON') / round.of(name),
    atLeast: 1,
  })),
  prepare: async ({ quick }) => {
    const batches = quick ? 15 : 60;
    const receiver = fork(fileURLToPath(new URL('../children/receiver.mjs', import.meta.url)), {
      execArgv: [],
    });
    const [port] = (await once(receiver, 'message')) as [number];
    const url = `http://127.0.0.1:${port}/`;
    const exporter = new OTLPTraceExporter({ url });
    const senders = { ...sinks(url), ...exporters(exporter) };
    for (const send of Object.values(senders)) for (let i = 0; i < 5; i++) await send();
    return {
      cases: Object.entries(senders).map(([name, send]) => ({
        name,
        measure: async () => {
          const began = performance.now();
          for (let batch = 0; batch < batches; batch++) await send();
          return { 'a second': (BATCH * batches * 1000) / (performance.now() - began) };
        },
      })),
      close: async () => {
        await exporter.shutdown();
        receiver.disconnect();
      },
    };
  },
};
