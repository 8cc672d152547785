import { expect } from 'chai';
import { newRecordId } from '../../lib/schema/ids.js';
import type { ConnectionFacts, Ending, OperationDetail } from '../../lib/processor/operation.js';
import { sessionIdOf, toDraft, type LogFacts } from '../../lib/processor/mapping.js';
import type { RecordSettings } from '../../lib/config.js';
import type { McpDetail, Outcome } from '../../lib/schema/record.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../lib/version.js';
import { detailOfCall, SETTINGS, SPAN_ID, TRACE_ID } from '../support/operationDetail.js';

/** A record as it stands on a line: without what is undefined, and without its random id. */
function mapped(
  changes: Partial<OperationDetail> = {},
  settings: Partial<RecordSettings> = {},
  facts: LogFacts = {},
): Record<string, unknown> & { mcp: McpDetail } {
  const detail = detailOfCall(changes);
  const { serverAddress } = detail.connection;
  const draft = toDraft(detail, { ...SETTINGS, ...settings }, { serverAddress, ...facts });
  expect(draft.record_id).to.have.length(newRecordId().length);
  // The places of what the pipeline adds are kept for it; else absent is absent, not undefined.
  const placed = { ...draft, seq: 0, log_id: '', log_epoch: 0, ...draft.mcp };
  expect(Object.entries(placed).filter(([, value]) => value === undefined)).to.deep.equal([]);
  const { record_id: _, ...rest } = JSON.parse(JSON.stringify(draft)) as Record<string, unknown>;
  return rest as Record<string, unknown> & { mcp: McpDetail };
}

const ended = (outcome: Outcome, changes: Partial<Ending> = {}): Partial<OperationDetail> => ({
  ending: { outcome, durationMs: 7, ...changes },
});
const connected = (facts: Partial<ConnectionFacts>): Partial<OperationDetail> => ({
  connection: { connectionId: 'connection-1', ...facts },
});

const LEAST = {
  time: '2026-01-31T12:00:00.250Z',
  duration_ms: 1.25,
  event_type: 'EVENT_TOOL_INVOCATION',
  outcome: 'OUTCOME_SUCCESS',
  severity: 'SEVERITY_INFO',
  sensitivity: 'SENSITIVITY_INTERNAL',
  actor_id: 'connection-1',
  actor_type: 'agent',
  component: 'mcp-client',
  environment: 'test',
  resource: 'tools/echo',
  message: 'Called tool echo.',
  correlation_id: TRACE_ID,
  trace_id: TRACE_ID,
  span_id: SPAN_ID,
  session_id: 'connection-1',
  ocsf_class_uid: 6003,
  ocsf_activity_id: 1,
  otel_operation_name: 'execute_tool',
  mcp: { method: 'tools/call', request_id: '3', tool_name: 'echo', tool_arguments: { message: 'hello' } },
  metadata: {
    schema_version: 'documented',
    product_name: PACKAGE_NAME,
    product_version: PACKAGE_VERSION,
    vendor_name: PACKAGE_NAME,
  },
  otel_resource: SETTINGS.origin.current,
};

describe('an operation as a record', () => {
  it('says what is known, and has no field for what is not', () => {
    expect(mapped()).to.deep.equal(LEAST);
  });

  it('says all that can be known of a call', () => {
    const record = mapped(
      {
        ...connected({
          sessionId: 'session-1',
          clientName: 'agent',
          clientVersion: '1.2.3',
          serverName: 'everything',
          serverVersion: '2.0.0',
          protocolVersion: '2025-11-25',
          transport: 'stdio',
          serverAddress: 'node server.mjs',
        }),
        trace: {
          context: { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 },
          parentSpanId: '53995c3f42cd8ad8',
        },
        servedFrom: 'wire',
        decision: 'accept',
        endedBy: 'server',
      },
      { policyTags: ['soc2'], tenantId: 'tenant-a' },
      {
        actor: { id: 'ada', type: 'user' },
        sessionId: 'session-1',
        toolFingerprint: 'f00d',
        operationId: 'operation-1',
      },
    );
    expect(record).to.deep.equal({
      ...LEAST,
      actor_id: 'ada',
      actor_type: 'user',
      parent_span_id: '53995c3f42cd8ad8',
      session_id: 'session-1',
      tenant_id: 'tenant-a',
      client_id: 'agent',
      client_version: '1.2.3',
      server_id: 'everything',
      server_version: '2.0.0',
      policy_tags: ['soc2'],
      mcp: {
        ...LEAST.mcp,
        protocol_version: '2025-11-25',
        session_id: 'session-1',
        server_address: 'node server.mjs',
        transport: 'stdio',
        served_from: 'wire',
        tool_fingerprint: 'f00d',
        decision: 'accept',
        ended_by: 'server',
      },
      operation_id: 'operation-1',
    });
  });

  it('has no field for an empty text', () => {
    const empty = { clientName: '', clientVersion: '', serverName: '', serverVersion: '', transport: '' };
    expect(
      mapped(connected({ ...empty, protocolVersion: '', serverAddress: '', sessionId: null as never })),
    ).to.deep.equal(LEAST);
  });

  it('takes the event type of the profile', () => {
    const record = mapped({}, { profile: '0.2' });
    expect(record['event_type']).to.equal('EVENT_TOOL_LIST');
    expect(record['metadata']).to.include({ schema_version: '0.2' });
  });

  it('has an address that was redacted instead of the one that was dialled', () => {
    const dialled = connected({ serverAddress: 'https://a.example/mcp' });
    expect(mapped(dialled).mcp.server_address).to.equal('https://a.example/mcp');
    expect(mapped(dialled, {}, { serverAddress: 'node [REDACTED]' }).mcp.server_address).to.equal(
      'node [REDACTED]',
    );
  });

  it('is an intent while the operation is under way', () => {
    expect(mapped({ ending: undefined })).to.deep.include({
      outcome: 'OUTCOME_UNSPECIFIED',
      severity: 'SEVERITY_INFO',
      duration_ms: 0,
      stage: 'request_received',
      message: 'Called tool echo: about to be sent.',
    });
    expect(mapped()).not.to.have.property('stage');
  });
});

describe('the outcome in a record', () => {
  const SENTENCES: [Outcome, severity: string, message: string][] = [
    ['OUTCOME_SUCCESS', 'SEVERITY_INFO', 'Called tool echo.'],
    ['OUTCOME_PARTIAL', 'SEVERITY_NOTICE', 'Called tool echo: stopped before the end.'],
    ['OUTCOME_FAILURE_ERROR', 'SEVERITY_ERROR', 'Called tool echo: failed (unknown).'],
    ['OUTCOME_FAILURE_DENIED', 'SEVERITY_WARNING', 'Called tool echo: failed (unknown).'],
    ['OUTCOME_FAILURE_UNAUTHORIZED', 'SEVERITY_WARNING', 'Called tool echo: failed (unknown).'],
    ['OUTCOME_UNSPECIFIED', 'SEVERITY_WARNING', 'Called tool echo: failed (unknown).'],
  ];
  for (const [outcome, severity, message] of SENTENCES)
    it(`gives ${outcome} its severity and its sentence`, () => {
      expect(mapped(ended(outcome))).to.include({ outcome, severity, message, duration_ms: 7 });
    });

  it('has the error, and names it in the sentence', () => {
    const error = { type: 'timeout', code: '-32001', message: 'too late' };
    const record = mapped(ended('OUTCOME_FAILURE_ERROR', { error }));
    expect(record['error']).to.deep.equal(error);
    expect(record['message']).to.equal('Called tool echo: failed (timeout).');
  });

  it('quotes what a tool said of its failure only where outputs are recorded', () => {
    const error = { type: 'tool_error' };
    const result = { isError: true, content: [{ type: 'text', text: 'no such file' }] };
    const failed = ended('OUTCOME_FAILURE_ERROR', { error, result });
    const unsaid = { type: 'tool_error', message: 'the tool reported an error' };
    expect(mapped(failed)['error']).to.deep.equal(unsaid);
    expect(mapped(failed, { includeOutputs: true })['error']).to.deep.equal({
      type: 'tool_error',
      message: 'no such file',
    });
    for (const content of [undefined, [], 'text', [{ text: 5 }], [undefined]]) {
      const odd = ended('OUTCOME_FAILURE_ERROR', { error, result: { content } });
      expect(mapped(odd, { includeOutputs: true })['error']).to.deep.equal(unsaid);
    }
  });

  it('has a result only where outputs are recorded', () => {
    const ending = ended('OUTCOME_SUCCESS', { result: { answer: 42 } });
    expect(mapped(ending).mcp).not.to.have.property('tool_result');
    expect(mapped(ending, { includeOutputs: true }).mcp.tool_result).to.deep.equal({ answer: 42 });
    expect(mapped(ended('OUTCOME_SUCCESS'), { includeOutputs: true }).mcp).not.to.have.property(
      'tool_result',
    );
  });
});

describe('what an operation acts on, in a record', () => {
  it('is a prompt with its arguments, and no tool', () => {
    const { mcp } = mapped({
      method: 'prompts/get',
      subject: { promptName: 'greet', arguments: { name: 'Ada' } },
    });
    expect(mcp)
      .to.include({ prompt_name: 'greet' })
      .and.to.have.deep.property('prompt_arguments', { name: 'Ada' });
    expect(mcp).not.to.have.any.keys('tool_name', 'tool_arguments');
  });

  it('is a resource by its URI', () => {
    expect(mapped({ subject: { uri: 'file:///a' } }).mcp).to.include({ resource_uri: 'file:///a' });
  });

  it('has the capabilities of both sides only at the handshake', () => {
    const facts = connected({
      serverName: 'x',
      clientCapabilities: { roots: {} },
      serverCapabilities: { tools: {} },
    });
    const { mcp } = mapped({ ...facts, method: 'initialize', legs: [] });
    expect(mcp.client_capabilities).to.deep.equal({ roots: {} });
    expect(mcp.server_capabilities).to.deep.equal({ tools: {} });
    expect(mcp.server_identity).to.equal('self-reported');
    const handshake = ['client_capabilities', 'server_capabilities', 'server_identity'];
    expect(mapped(facts).mcp).not.to.have.any.keys(...handshake);
    expect(mapped({ method: 'initialize', legs: [] }).mcp).not.to.have.any.keys(...handshake);
  });

  it('lists its legs where there were several, or one by another method', () => {
    const [first, second] = [
      { request_id: '3', method: 'tools/call' },
      { request_id: '4', method: 'tools/call' },
    ];
    const several = mapped({ legs: [first, second] }).mcp;
    expect(several.legs).to.deep.equal([first, second]);
    expect(several.request_id).to.equal('4');
    const other = [{ request_id: '5', method: 'tasks/get' }];
    expect(mapped({ legs: other }).mcp.legs).to.deep.equal(other);
    expect(mapped().mcp).not.to.have.property('legs');
    expect(mapped({ legs: [] }).mcp).not.to.have.any.keys('legs', 'request_id');
  });
});

describe('who acted, in a record', () => {
  it("is the actor, with what the log's options say where the actor does not", () => {
    const settings = { tenantId: 'tenant-a', actorType: 'service' as const };
    expect(mapped({}, settings, { actor: { id: 'ada' } })).to.include({
      actor_id: 'ada',
      actor_type: 'service',
      tenant_id: 'tenant-a',
    });
    const actor = { id: 'ada', type: 'user' as const, tenantId: 'tenant-b' };
    expect(mapped({}, settings, { actor })).to.include({ actor_type: 'user', tenant_id: 'tenant-b' });
  });

  it('is the session where nobody is known', () => {
    expect(mapped({}, { sessionId: 'mine' })).to.include({ actor_id: 'mine', session_id: 'mine' });
  });

  it('has the session of the option, else of the protocol, else of the connection', () => {
    const connection = { connectionId: 'c', sessionId: 'protocol' };
    expect(sessionIdOf(connection, { ...SETTINGS, sessionId: 'option' }, 'shown')).to.equal('option');
    expect(sessionIdOf(connection, SETTINGS, 'shown')).to.equal('shown');
    expect(sessionIdOf({ connectionId: 'c' }, SETTINGS, undefined)).to.equal('c');
  });
});

describe('a record of user code', () => {
  it('says what the code said of itself, and nothing of MCP', () => {
    const record = mapped(
      {
        custom: {
          data: { rows: 3 },
          actorType: 'service',
          component: 'importer',
          policyTags: ['pci'],
          sensitivity: 'SENSITIVITY_RESTRICTED',
          severity: 'SEVERITY_CRITICAL',
        },
      },
      { policyTags: ['soc2'] },
      { actor: { id: 'ada', type: 'user' } },
    );
    expect(record).to.deep.include({
      data: { rows: 3 },
      actor_type: 'service',
      component: 'importer',
      policy_tags: ['soc2', 'pci'],
      sensitivity: 'SENSITIVITY_RESTRICTED',
      severity: 'SEVERITY_CRITICAL',
    });
    expect(record).not.to.have.property('mcp');
  });

  it('leaves to the options what it does not say', () => {
    const record = mapped({ custom: {} }, { policyTags: ['soc2'] });
    expect(record).to.deep.include({
      actor_type: 'agent',
      component: 'mcp-client',
      policy_tags: ['soc2'],
      sensitivity: 'SENSITIVITY_INTERNAL',
      severity: 'SEVERITY_INFO',
    });
    expect(record).not.to.have.any.keys('data', 'mcp');
  });

  it('names no operation of OpenTelemetry for an event that has none', () => {
    const event = { documented: 'EVENT_CONFIG_CHANGE', '0.2': 'EVENT_CONFIG_CHANGE' } as const;
    const record = mapped({ event, custom: {} });
    expect(record).not.to.have.property('otel_operation_name');
    expect(record['event_type']).to.equal('EVENT_CONFIG_CHANGE');
  });
});
