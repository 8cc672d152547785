import { SpanKind, SpanStatusCode, type Attributes } from '@opentelemetry/api';
import { expect } from 'chai';
import { coverSpan, foreignOperation } from '../../lib/processor/processor.js';
import type { FinishedSpan, OperationRecorder } from '../../lib/processor/operation.js';
import { PACKAGE_NAME } from '../../lib/version.js';
import { SPAN_ID, TRACE_ID } from '../support/operationDetail.js';

const recorder = { needsIntent: false } as OperationRecorder;
const RESOURCE = { attributes: { 'service.name': 'theirs' } };
const CONTEXT = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 };

/** A client span as another instrumentation of MCP makes one, by the semantic conventions. */
function span(attributes: Attributes = {}, changes: Partial<FinishedSpan> = {}): FinishedSpan {
  return {
    name: 'tools/call echo',
    kind: SpanKind.CLIENT,
    startTime: [1_769_860_800, 250_000_000],
    duration: [2, 1_500_400],
    status: { code: SpanStatusCode.UNSET },
    attributes: { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'echo', ...attributes },
    links: [],
    instrumentationScope: { name: 'another' },
    spanContext: () => CONTEXT,
    ...changes,
  };
}

const read = (attributes?: Attributes, changes?: Partial<FinishedSpan>) =>
  foreignOperation(span(attributes, changes), recorder);

describe("a span of another's instrumentation", () => {
  it('is an operation with all that its attributes say', () => {
    const operation = read(
      {
        'gen_ai.tool.call.arguments': '{"message":"hello"}',
        'mcp.session.id': 'session-1',
        'mcp.protocol.version': '2025-11-25',
        'server.address': 'mcp.example',
        'jsonrpc.request.id': 7,
      },
      { parentSpanContext: { ...CONTEXT, spanId: '53995c3f42cd8ad8' }, resource: RESOURCE },
    );
    expect(operation).to.deep.equal({
      method: 'tools/call',
      event: { documented: 'EVENT_TOOL_INVOCATION', '0.2': 'EVENT_TOOL_INVOCATION' },
      resource: 'tools/echo',
      summary: operation?.summary,
      subject: { toolName: 'echo', promptName: undefined, uri: undefined, arguments: { message: 'hello' } },
      connection: {
        connectionId: 'session-1',
        sessionId: 'session-1',
        protocolVersion: '2025-11-25',
        serverAddress: 'mcp.example',
      },
      startTime: 1_769_860_800_250,
      trace: { context: CONTEXT, parentSpanId: '53995c3f42cd8ad8', resource: RESOURCE },
      ending: { outcome: 'OUTCOME_SUCCESS', durationMs: 2001.5 },
      legs: [{ request_id: '7', method: 'tools/call' }],
      recorders: [recorder],
      states: [],
    });
    expect(operation?.summary).to.contain('echo');
  });

  it('stands for its trace where it names no session, and has no leg without a request id', () => {
    const operation = read({ 'jsonrpc.request.id': '' });
    expect(operation?.connection).to.include({ connectionId: TRACE_ID, sessionId: undefined });
    expect(operation?.legs).to.deep.equal([]);
    expect(operation?.trace.parentSpanId).to.equal(undefined);
    expect(operation?.subject.arguments).to.equal(undefined);
  });

  it('names a prompt and a resource', () => {
    const prompt = read({
      'mcp.method.name': 'prompts/get',
      'gen_ai.prompt.name': 'greet',
      'gen_ai.tool.name': '',
    });
    expect(prompt).to.deep.include({ method: 'prompts/get', resource: 'prompts/greet' });
    expect(prompt?.subject).to.include({ promptName: 'greet', toolName: undefined });
    const resource = read({ 'mcp.method.name': 'resources/read', 'mcp.resource.uri': 'file:///a' });
    expect(resource?.subject.uri).to.equal('file:///a');
  });

  it('keeps arguments that are not JSON as the text that they are', () => {
    expect(read({ 'gen_ai.tool.call.arguments': '{"cut' })?.subject.arguments).to.equal('{"cut');
  });

  it('is an operation of its own kind where the method is not known', () => {
    expect(read({ 'mcp.method.name': 'vendor/special' })).to.include({ method: 'vendor/special' });
  });

  for (const [what, attributes, changes] of [
    ['that is ours', {}, { instrumentationScope: { name: PACKAGE_NAME } }],
    ['that names no method', { 'mcp.method.name': undefined }, {}],
    ['whose method is empty', { 'mcp.method.name': '' }, {}],
    ['of a server', {}, { kind: SpanKind.SERVER }],
    ['that is internal', {}, { kind: SpanKind.INTERNAL }],
  ] as const)
    it(`is none where it is one ${what}`, () => {
      expect(read(attributes, changes)).to.equal(undefined);
    });

  it('is none where our own record of the same call covers it', () => {
    const covered = span();
    coverSpan(covered, 'tools/call');
    expect(foreignOperation(covered, recorder)).to.equal(undefined);
    const other = span();
    coverSpan(other, 'tools/list');
    expect(foreignOperation(other, recorder)).to.include({ method: 'tools/call' });
  });
});

describe("the outcome of another's span", () => {
  const ERROR = { code: SpanStatusCode.ERROR };

  it('is a success unless the span says otherwise', () => {
    expect(read({}, { status: { code: SpanStatusCode.OK } })?.ending?.outcome).to.equal('OUTCOME_SUCCESS');
  });

  it('is a failure by the status of the span, or by its type of error', () => {
    expect(read({}, { status: ERROR })?.ending).to.deep.equal({
      outcome: 'OUTCOME_FAILURE_ERROR',
      error: { type: '_OTHER' },
      durationMs: 2001.5,
    });
    expect(read({ 'error.type': 'timeout' })?.ending).to.deep.include({
      outcome: 'OUTCOME_FAILURE_ERROR',
      error: { type: 'timeout' },
    });
  });

  it('has the code and the message that the span has', () => {
    const ending = read(
      { 'error.type': 'tool_error', 'rpc.response.status_code': -32602 },
      { status: { ...ERROR, message: 'bad' } },
    )?.ending;
    expect(ending?.error).to.deep.equal({ type: 'tool_error', code: '-32602', message: 'bad' });
  });

  it('tells 401 and 403 apart', () => {
    const outcome = (type: string) => read({ 'error.type': type })?.ending;
    expect(outcome('401')).to.deep.include({ outcome: 'OUTCOME_FAILURE_UNAUTHORIZED', durationMs: 2001.5 });
    expect(outcome('403')).to.deep.include({ outcome: 'OUTCOME_FAILURE_DENIED', durationMs: 2001.5 });
    expect(outcome('403')?.error).to.deep.equal({ type: '403' });
  });
});
