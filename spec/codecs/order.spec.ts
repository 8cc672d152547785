import { expect } from 'chai';
import { inFixedOrder } from '../../lib/codecs/profile.js';
import { sampleRecord } from '../support/sampleRecords.js';

const RECORD = [
  ...['record_id', 'seq', 'time', 'duration_ms', 'event_type', 'outcome', 'severity', 'sensitivity'],
  ...['actor_id', 'actor_type', 'component', 'environment', 'resource', 'message', 'correlation_id'],
  ...['trace_id', 'span_id', 'parent_span_id', 'session_id', 'tenant_id', 'client_id', 'client_version'],
  ...['server_id', 'server_version', 'policy_tags', 'ocsf_class_uid', 'ocsf_activity_id'],
  ...['otel_operation_name', 'mcp', 'error', 'data', 'stage', 'operation_id', 'truncated', 'metadata'],
  ...['otel_resource', 'log_id', 'log_epoch'],
];
const MCP = [
  ...['method', 'protocol_version', 'request_id', 'tool_name', 'tool_arguments', 'tool_result'],
  ...['resource_uri', 'prompt_name', 'prompt_arguments', 'session_id', 'server_address', 'transport'],
  ...['client_capabilities', 'server_capabilities', 'extensions', 'server_identity'],
  ...['discovered_server_id', 'discovered_server_version', 'served_from'],
  ...['answer', 'answer_refused', 'caller_saw', 'http_status', 'oauth', 'task_id', 'task_status', 'legs'],
  ...['tool_fingerprint', 'tool_annotations', 'approval_id', 'meta', 'decision', 'roots', 'ended_by'],
  ...['apm_system', 'apm_trace_id', 'apm_span_id'],
];
const METADATA = ['schema_version', 'product_name', 'product_version', 'vendor_name'];

const filled = (keys: readonly string[]): object => Object.fromEntries(keys.map((key) => [key, key]));
const backwards = (value: object): object => Object.fromEntries(Object.entries(value).reverse());

describe('the order of fields', () => {
  it('is that of the record table, whatever it was', () => {
    expect(Object.keys(inFixedOrder(backwards(filled(RECORD))))).to.deep.equal(RECORD);
  });

  for (const [name, keys] of Object.entries({
    mcp: MCP,
    error: ['type', 'code', 'message'],
    metadata: METADATA,
    otel_resource: ['service.name', 'service.instance.id', 'host.name', 'process.pid', 'k8s.pod.name'],
  }))
    it(`is fixed within ${name}`, () => {
      const record = inFixedOrder({ record_id: '1', [name]: backwards(filled(keys)) }) as Record<
        string,
        object
      >;
      expect(Object.keys(record[name]!)).to.deep.equal(keys);
      expect(record['record_id']).to.equal('1');
    });

  it('gives back what is in order, not a copy', () => {
    const record = sampleRecord();
    expect(inFixedOrder(record)).to.equal(record);
    expect(inFixedOrder(record)).to.equal(record);
    const other = filled(['record_id', 'mcp']);
    expect(inFixedOrder(other)).to.equal(other);
  });

  it('changes no record that it is given', () => {
    const record = {
      record_id: '1',
      mcp: { transport: 'stdio', method: 'ping' },
      metadata: { vendor_name: 'v' },
    };
    const before = JSON.stringify(record);
    const ordered = inFixedOrder(record);
    expect(JSON.stringify(record)).to.equal(before);
    expect(JSON.stringify(ordered.mcp)).to.equal('{"method":"ping","transport":"stdio"}');
    expect(ordered.metadata).to.equal(record.metadata);
  });

  it('puts two unordered parts of one record in order', () => {
    const record = { mcp: backwards(filled(MCP)), metadata: backwards(filled(METADATA)) };
    const { mcp, metadata } = inFixedOrder(record);
    expect([Object.keys(mcp), Object.keys(metadata)]).to.deep.equal([MCP, METADATA]);
  });

  it('puts fields that it does not know last, by name', () => {
    expect(Object.keys(inFixedOrder({ zebra: 1, record_id: 2, apple: 3 }))).to.deep.equal([
      'record_id',
      'apple',
      'zebra',
    ]);
    expect(Object.keys(inFixedOrder({ record_id: 1, zebra: 2, apple: 3 }))).to.deep.equal([
      'record_id',
      'apple',
      'zebra',
    ]);
  });

  it('keeps a field whose name an assignment would lose', () => {
    const record = JSON.parse('{"__proto__":{"a":1},"record_id":"1"}') as object;
    const ordered = inFixedOrder(record);
    expect(Object.keys(ordered)).to.deep.equal(['record_id', '__proto__']);
    expect(JSON.stringify(ordered)).to.equal('{"record_id":"1","__proto__":{"a":1}}');
  });

  it('leaves parts that are no objects', () => {
    const record = { metadata: 'none', mcp: null, record_id: '1' };
    expect(inFixedOrder(record)).to.deep.equal(record);
  });

  it('takes no inherited field for one of its own', () => {
    const record = Object.create({ time: 'inherited' }) as Record<string, unknown>;
    record['seq'] = 1;
    record['record_id'] = '1';
    expect(Object.keys(inFixedOrder(record))).to.deep.equal(['record_id', 'seq']);
  });
});
