import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import protobuf from 'protobufjs';
import type { AuditOptions } from '../../lib/config.js';
import { decodeLine, encodeLine } from '../../lib/codecs/json.js';
import { loadCodec } from '../../lib/codecs/load.js';
import { decodeProtobuf, decodeProtojson } from '../../lib/codecs/protobuf.js';
import { ConfigError } from '../../lib/errors.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { SENSITIVITIES } from '../../lib/schema/tables.js';
import { HttpSink } from '../../lib/sinks/http/httpSink.js';
import { FieldNotesSink } from '../../lib/sinks/http/fieldNotesSink.js';
import { OtlpLogSink, toLogFacts } from '../../lib/sinks/otlpLogSink.js';
import { retrying } from '../../lib/sinks/retry.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { SpoolSink } from '../../lib/sinks/spool/spoolSink.js';
import { StdoutSink } from '../../lib/sinks/stdoutSink.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { startReceiver } from '../support/httpReceiver.js';
import { pair } from '../support/inMemory.js';
import { audited } from '../support/audited.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { sampleRecord } from '../support/sampleRecords.js';

const PROFILES = ['documented', '0.2'] as const;
const environment = 'test';

/** A decoder of somebody else, by the file in the package: what a receiver has that knows the schema alone. */
function strangersDecoder(profile: (typeof PROFILES)[number]) {
  const name = profile === '0.2' ? 'log_0_2' : 'log_documented';
  const path = fileURLToPath(new URL(`../../lib/codecs/proto/${name}.proto`, import.meta.url));
  const { root, package: packageName } = protobuf.parse(readFileSync(path, 'utf8'));
  const type = root.lookupType(`${packageName}.LogRequest`);
  return (bytes: Uint8Array) =>
    type.toObject(type.decode(bytes), { enums: String }) as Record<string, unknown>;
}

/** What one client writes in a log of a profile: its record of a call. */
async function callIn(options: Partial<AuditOptions>): Promise<AuditRecord> {
  const { client, connect } = pair();
  const sink = audited(client, options);
  await connect();
  await client.callTool({ name: 'echo', arguments: {} });
  await client.close();
  return sink.records.find(({ mcp }) => mcp?.tool_name === 'echo')!;
}

describe('the profile of a record', () => {
  const MEANT = {
    documented: 'SENSITIVITY_INTERNAL',
    '0.2': 'SENSITIVITY_PUBLIC_INTERNAL',
  };

  for (const profile of PROFILES)
    it(`goes with it over the wire, so that the sink need not be told (${profile})`, async () => {
      const receiver = await startReceiver();
      const { client, connect } = pair();
      const sink = new HttpSink({ endpoint: `${receiver.url}/`, format: 'protobuf' });
      withLogging(client, { sink, environment, profile });
      await connect();
      await client.close();
      await auditLogOf(client)?.shutdown();
      await receiver.close();
      const received = receiver.requests.map(({ body }) => strangersDecoder(profile)(body));
      expect(received).to.have.length(2);
      for (const message of received) expect(message['sensitivity']).to.equal(MEANT[profile]);
      for (const { body } of receiver.requests)
        expect(decodeProtobuf(body).sensitivity).to.equal('SENSITIVITY_INTERNAL');
    });

  for (const profile of PROFILES)
    it(`means the same in every encoding, for every sensitivity (${profile})`, async () => {
      const call = await callIn({ profile });
      for (const sensitivity of Object.keys(SENSITIVITIES) as AuditRecord['sensitivity'][]) {
        const record: AuditRecord = { ...call, sensitivity, outcome: 'OUTCOME_PARTIAL' };
        const line = encodeLine(record);
        const { sensitivity: name, outcome } = JSON.parse(line) as Record<string, string>;
        const binary = (await loadCodec('protobuf')).encode(record);
        const json = Buffer.from((await loadCodec('protojson')).encode(record)).toString();
        const meant = strangersDecoder(profile)(binary);
        // proto3 has no name on the wire for a zero.
        expect(meant['sensitivity'] ?? name).to.equal(name);
        expect(meant['outcome']).to.equal(outcome);
        expect([decodeLine(line), decodeProtobuf(binary), decodeProtojson(json)]).to.deep.equal([
          record,
          record,
          record,
        ]);
        expect(toLogFacts(record).attributes).to.include({
          'audit.sensitivity': name,
          'audit.outcome': outcome,
        });
        for (const format of ['ocsf', 'ocsf-1.8'] as const) {
          const event = JSON.parse(Buffer.from((await loadCodec(format)).encode(record)).toString()) as {
            unmapped: object;
            raw_data: string;
          };
          expect(event.raw_data).to.equal(line);
          expect(event.unmapped).to.include({ sensitivity: name, outcome });
        }
      }
    });

  it('is read from lines and events that an export of a log makes, whose names are those of the line', async () => {
    const call = await callIn({ profile: '0.2' });
    const wire = JSON.parse(encodeLine({ ...call, outcome: 'OUTCOME_PARTIAL' })) as AuditRecord;
    const codec = await loadCodec('ocsf');
    const event = JSON.parse(Buffer.from(codec.encode(wire)).toString()) as Record<string, unknown>;
    expect(event).to.deep.include({ status_id: 99, status: 'Partial' });
    expect(event['metadata']).to.deep.include({
      data_classification: { confidentiality_id: 1, confidentiality: 'Not Confidential' },
    });
  });

  it('cannot be contradicted at a sink', async () => {
    const folder = temporaryFolder();
    const endpoint = 'http://127.0.0.1:9/';
    const spool = (sink: Sink) => new SpoolSink(sink, { directory: folder.path });
    const logger = { emit: () => undefined };
    const made: Sink[] = [
      new HttpSink({ endpoint, profile: '0.2' }),
      new FieldNotesSink({ endpoint, auth: 'none', profile: '0.2' }),
      new StdoutSink({ profile: '0.2' }),
      new OtlpLogSink({ logger, profile: '0.2' }),
      retrying(new StdoutSink({ profile: '0.2' })),
      spool(new HttpSink({ endpoint, profile: '0.2' })),
    ];
    for (const sink of made) {
      const { client } = pair();
      const log = (options: Partial<AuditOptions>) => () =>
        withLogging(client, { sinks: [{ sink }], environment, ...options });
      expect(log({}), sink.name).to.throw(ConfigError, /profile.*'documented'.*'0\.2'/);
      expect(log({ profile: '0.2' }), sink.name).not.to.throw();
      await auditLogOf(client)?.shutdown();
    }
    folder.remove();
  });

  it('is that of each record where a store holds both', () => {
    const both = [sampleRecord(1), sampleRecord(2)].map((record, index) => ({
      ...record,
      metadata: { ...record.metadata, schema_version: index === 0 ? 'documented' : '0.2' },
    }));
    expect(both.map((record) => (JSON.parse(encodeLine(record)) as AuditRecord).sensitivity)).to.deep.equal([
      'SENSITIVITY_INTERNAL',
      'SENSITIVITY_PUBLIC_INTERNAL',
    ]);
    expect(both.map((record) => decodeLine(encodeLine(record)))).to.deep.equal(both);
  });
});
