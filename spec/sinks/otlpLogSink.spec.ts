import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { expect } from 'chai';
import { decodeLine, encodeLine } from '../../lib/codecs/json.js';
import { ConfigError } from '../../lib/errors.js';
import { OtlpLogSink, type OtlpLogSinkOptions } from '../../lib/sinks/otlpLogSink.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../lib/version.js';
import { expectFailure, sinkContract } from '../contract/sinkContract.js';
import { startOtlpLogReceiver, type OtlpLogReceiver } from '../support/otlpLogs.js';
import { sampleRecord, sampleRecords } from '../support/sampleRecords.js';

const exporters = [
  ['JSON', JsonExporter],
  ['protobuf', ProtoExporter],
] as const;

for (const [encoding, Exporter] of exporters) {
  sinkContract(
    `OtlpLogSink (exporter, ${encoding})`,
    async () => {
      const receiver = await startOtlpLogReceiver();
      return {
        sink: new OtlpLogSink({ exporter: new Exporter({ url: receiver.logsUrl, timeoutMillis: 500 }) }),
        lines: () => receiver.logs().map(({ body }) => body),
        received: () => receiver.logs().map(({ body }) => decodeLine(body)),
        breakReceiver: () => receiver.close(),
        dispose: () => receiver.close(),
      };
    },
    { writesLines: true },
  );
}

describe('OtlpLogSink', () => {
  let receiver: OtlpLogReceiver;
  beforeEach(async () => {
    receiver = await startOtlpLogReceiver();
  });
  afterEach(() => receiver.close());

  /** The ways that a record can go, each flushed. */
  const ways: [string, (Exporter: typeof JsonExporter) => OtlpLogSinkOptions][] = [
    [
      'an exporter',
      (Exporter) => ({
        exporter: new Exporter({ url: receiver.logsUrl }),
        resource: resourceFromAttributes({ 'service.name': 'test' }),
      }),
    ],
    [
      'a logger provider',
      (Exporter) => ({
        loggerProvider: new LoggerProvider({
          resource: resourceFromAttributes({ 'service.name': 'test' }),
          processors: [new BatchLogRecordProcessor({ exporter: new Exporter({ url: receiver.logsUrl }) })],
        }),
      }),
    ],
  ];

  for (const [way, options] of ways)
    for (const [encoding, Exporter] of exporters)
      it(`sends whole log records through ${way} as OTLP ${encoding}`, async () => {
        const sink = new OtlpLogSink(options(Exporter as typeof JsonExporter));
        await sink.emit(sampleRecords());
        await sink.flush();
        const [log, ...others] = receiver.logs();
        expect(others).to.have.length(sampleRecords().length - 1);
        expect(log).to.deep.include({
          timeUnixNano: '1768469400125000000',
          severityNumber: 9,
          severityText: 'SEVERITY_INFO',
          eventName: 'EVENT_TOOL_INVOCATION',
          traceId: sampleRecord().trace_id,
          spanId: sampleRecord().span_id,
          body: encodeLine(sampleRecord()),
          resource: { 'service.name': 'test' },
          scope: `${PACKAGE_NAME}@${PACKAGE_VERSION}`,
          attributes: {
            'log.record.uid': sampleRecord().record_id,
            'service.name': 'mcp-client',
            'deployment.environment.name': 'test',
            'user.id': 'agent-7',
            'session.id': 'session-1',
            'gen_ai.operation.name': 'execute_tool',
            'mcp.method.name': 'tools/call',
            'gen_ai.tool.name': 'echo',
            'audit.seq': 0,
            'audit.log_id': sampleRecord().log_id,
            'audit.log_epoch': 0,
            'audit.outcome': 'OUTCOME_SUCCESS',
            'audit.sensitivity': 'SENSITIVITY_INTERNAL',
            'audit.resource': 'tools/echo',
            'audit.tenant_id': 'tenant-a',
          },
        });
      });

  it('names where each record was written as its resource, in as few groups as there are processes', async () => {
    const sink = new OtlpLogSink({ exporter: new ProtoExporter({ url: receiver.logsUrl }) });
    const other = { otel_resource: { 'service.name': 'billing', 'host.name': 'app-2', 'process.pid': 7 } };
    const { otel_resource: _none, ...older } = sampleRecord(2);
    await sink.emit([sampleRecord(0, other), older, sampleRecord(1, { ...other })]);
    expect(receiver.logs().map(({ resource }) => resource)).to.deep.equal([
      { ...other.otel_resource, 'deployment.environment.name': 'test' },
      { ...other.otel_resource, 'deployment.environment.name': 'test' },
      { 'service.name': 'mcp-client', 'deployment.environment.name': 'test' },
    ]);
  });

  it('gives each severity the number of its syslog counterpart', async () => {
    const sink = new OtlpLogSink({ exporter: new ProtoExporter({ url: receiver.logsUrl }) });
    const names = ['DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR', 'CRITICAL', 'ALERT', 'EMERGENCY'] as const;
    await sink.emit(names.map((name, index) => sampleRecord(index, { severity: `SEVERITY_${name}` })));
    expect(receiver.logs().map(({ severityNumber }) => severityNumber)).to.deep.equal([
      5, 9, 10, 13, 17, 18, 19, 21,
    ]);
  });

  it('claims no more than it knows: delivered by an exporter, accepted by a logger', async () => {
    const exporter = new JsonExporter({ url: receiver.logsUrl });
    const processors = [new BatchLogRecordProcessor({ exporter })];
    const logger = new LoggerProvider({ processors }).getLogger('test');
    expect(await new OtlpLogSink({ exporter }).emit([sampleRecord()])).to.include({ ack: 'delivered' });
    expect(await new OtlpLogSink({ logger }).emit([sampleRecord()])).to.include({ ack: 'accepted' });
  });

  it('tells a refusal for good from one that may pass', async () => {
    receiver.answer = 400;
    const make = (): OtlpLogSink =>
      new OtlpLogSink({ exporter: new JsonExporter({ url: receiver.logsUrl, timeoutMillis: 300 }) });
    expect(expectFailure(await make().emit([sampleRecord()]), 'permanent').message).to.contain('400');
    receiver.answer = 503;
    expectFailure(await make().emit([sampleRecord()]), 'retryable');
  });

  it('says so when the provider has been shut down, instead of losing the record', async () => {
    const loggerProvider = new LoggerProvider();
    const sink = new OtlpLogSink({ loggerProvider });
    await loggerProvider.shutdown();
    expectFailure(await sink.emit([sampleRecord()]), 'permanent');
  });

  const logger = { emit: () => undefined };
  const wrong: [string, unknown][] = [
    ['OtlpLogSink', {}],
    ['OtlpLogSink', { logger, exporter: new JsonExporter() }],
    ['OtlpLogSink.logger', { logger: {} }],
    ['OtlpLogSink.loggerProvider', { loggerProvider: logger }],
    ['OtlpLogSink.exporter', { exporter: 'otlp' }],
    ['OtlpLogSink.resource', { exporter: new JsonExporter(), resource: {} }],
    ['OtlpLogSink.url', { url: 'http://127.0.0.1:4318' }],
  ];
  for (const [option, options] of wrong)
    it(`${option}: refuses ${JSON.stringify(Object.keys(options as object))}`, () => {
      expect(() => new OtlpLogSink(options as OtlpLogSinkOptions))
        .to.throw(ConfigError)
        .with.property('option', option);
    });
});
