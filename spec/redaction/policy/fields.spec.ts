import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { LOOKED_AT, LOOKED_AT_MCP } from '../../../lib/redaction/policy/fields.js';
import { draftRecord } from '../../support/draftRecord.js';

const redactor = createRedactor({ levels: { default: 'RequestResponse' } });
const TEXT = 'password=hunter2222';
const HIDDEN = 'password=[REDACTED]';
const LONG = 'word '.repeat(400);

/** What becomes of a value in a field of a record, or of its `mcp`. */
function kept(field: string, value: unknown): unknown {
  const [owner, name] = field.startsWith('mcp.')
    ? (['mcp', field.slice(4)] as const)
    : ([undefined, field] as const);
  const draft = owner === undefined ? draftRecord({}, { [name]: value }) : draftRecord({ [name]: value });
  const record = redactor.record(draft);
  return Reflect.get(owner === undefined ? record : (record.mcp as object), name);
}

// What each field holds is the schema's to say; how it is treated follows from who fills it.
const FIXED = [
  ...['record_id', 'seq', 'time', 'duration_ms', 'event_type', 'outcome', 'severity', 'sensitivity'],
  ...['actor_type', 'correlation_id', 'trace_id', 'span_id', 'parent_span_id', 'ocsf_class_uid'],
  ...['ocsf_activity_id', 'otel_operation_name', 'stage', 'operation_id', 'commitments', 'metadata'],
  ...['otel_resource', 'log_id', 'log_epoch'],
  ...['mcp.server_identity', 'mcp.served_from', 'mcp.tool_fingerprint', 'mcp.ended_by'],
  ...[
    'mcp.peer_address',
    'mcp.peer_port',
    'mcp.client_address',
    'mcp.http_status',
    'mcp.answer',
    'mcp.answer_refused',
    'mcp.caller_saw',
  ],
];
const LABELS = [
  ...['actor_id', 'component', 'environment', 'session_id', 'tenant_id', 'on_behalf_of'],
  ...['mcp.request_id', 'mcp.session_id', 'mcp.task_id', 'mcp.http_method', 'mcp.approval_id'],
];
const TEXTS = [
  ...['resource', 'message', 'client_id', 'client_version', 'server_id', 'server_version'],
  ...['mcp.method', 'mcp.protocol_version', 'mcp.tool_name', 'mcp.resource_uri', 'mcp.prompt_name'],
  ...['mcp.server_address', 'mcp.http_path', 'mcp.transport', 'mcp.decision', 'mcp.task_status'],
  ...['mcp.discovered_server_id', 'mcp.discovered_server_version'],
];
const FREE = [
  ...[
    'authority',
    'policy_tags',
    'error',
    'data',
    'mcp.tool_arguments',
    'mcp.prompt_arguments',
    'mcp.tool_result',
  ],
  ...['mcp.client_capabilities', 'mcp.server_capabilities', 'mcp.legs', 'mcp.roots'],
  ...['mcp.http_headers', 'mcp.extensions', 'mcp.oauth', 'mcp.tool_annotations', 'mcp.meta'],
];

describe('the fields of a record', () => {
  it('that are looked at are these', () => {
    const mcp = LOOKED_AT_MCP.map(({ name }) => `mcp.${name}`);
    expect([...LOOKED_AT.map(({ name }) => name), ...mcp]).to.have.members([
      ...LABELS,
      ...TEXTS,
      ...FREE,
      'actor_chain',
    ]);
  });

  for (const field of FIXED)
    it(`that this library fills are kept as they are: ${field}`, () => {
      expect(kept(field, TEXT)).to.equal(TEXT);
      expect(kept(field, LONG)).to.equal(LONG);
    });

  for (const field of LABELS)
    it(`that identify are not searched, but have a bound: ${field}`, () => {
      expect(kept(field, TEXT)).to.equal(TEXT);
      expect(kept(field, 'half \ud800')).to.equal('half \ufffd');
      expect(kept(field, LONG)).to.match(/^word .*…\[2000 bytes\]$/);
      expect(Buffer.byteLength(kept(field, LONG) as string)).to.be.within(1_000, 1_024);
    });

  for (const field of TEXTS)
    it(`that others fill are searched, and have a bound: ${field}`, () => {
      expect(kept(field, TEXT)).to.equal(HIDDEN);
      expect(kept(field, 'plain')).to.equal('plain');
      expect(kept(field, LONG)).to.match(/^word .*…\[2000 bytes\]$/);
    });

  for (const field of FREE)
    it(`that hold anything are walked: ${field}`, () => {
      expect(kept(field, { a: [{ password: 'x', plain: TEXT }] })).to.deep.equal({
        a: [{ password: '[REDACTED]', plain: HIDDEN }],
      });
      expect(kept(field, LONG), 'and their texts are bound as values are').to.equal(LONG);
      expect(kept(field, undefined)).to.equal(undefined);
    });

  for (const field of ['resource', 'mcp.resource_uri', 'mcp.server_address'])
    it(`that hold a URI show nothing of its values: ${field}`, () => {
      expect(kept(field, 'memo:page?q=1#part')).to.equal('memo:page?q=[REDACTED]#[REDACTED]');
    });

  it('hide the values of URIs in texts and errors, and what a key gives away elsewhere', () => {
    const uri = 'https://h.example/p?q=1&token=2';
    expect(kept('message', `see ${uri}`)).to.equal('see https://h.example/p?q=[REDACTED]&token=[REDACTED]');
    expect(kept('error', { message: `see ${uri}` })).to.deep.equal({
      message: 'see https://h.example/p?q=[REDACTED]&token=[REDACTED]',
    });
    expect(kept('data', { note: `see ${uri}` })).to.deep.equal({
      note: 'see https://h.example/p?q=1&token=[REDACTED]',
    });
  });

  it('are walked one by one: what fills one leaves the others their bounds', () => {
    const deep = { data: { list: Array.from({ length: 1_200 }, (_, index) => index) } };
    const record = redactor.record(draftRecord({ tool_arguments: { text: 'x'.repeat(60_000) } }, deep));
    expect((record.data as { list: unknown[] }).list).to.have.length(1_000);
    expect(record.truncated?.map(({ path }) => path)).to.deep.equal(['mcp.tool_arguments.text', 'data.list']);
  });
});

describe('a record that cannot be redacted', () => {
  it('keeps what this library filled, and shows a mark for all else', () => {
    const broken = createRedactor({
      custom: () => {
        throw new Error('mine');
      },
    });
    const draft = draftRecord({ tool_arguments: { a: 'x' }, served_from: 'wire' }, { data: 'y' });
    const record = broken.record(draft);
    expect(record.mcp?.served_from).to.equal('wire');
    expect(record.mcp?.tool_arguments).to.deep.equal({ a: '[REDACTION FAILED]' });
    expect(record.data).to.equal('[REDACTION FAILED]');
    expect(record.time).to.equal(draft.time);
  });
});
