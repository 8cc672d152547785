import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import type { ErrorInfo } from '../../lib/pipeline/stats.js';
import {
  detailOf,
  endingSpanOf,
  type FinishedSpan,
  type OperationDetail,
} from '../../lib/processor/operation.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { liveRecorders } from '../../lib/processor/recorders.js';
import { Dialled } from '../../lib/processor/facts.js';
import { createRedactor } from '../../lib/redaction/createRedactor.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { MemorySink } from '../support/memorySink.js';
import { detailOfCall, SPAN_ID, TRACE_ID } from '../support/operationDetail.js';
import { sampleRecord } from '../support/sampleRecords.js';

const environment = 'test';
const spanOf = (spanId = SPAN_ID) =>
  ({ spanContext: () => ({ traceId: TRACE_ID, spanId, traceFlags: 1 }) }) as FinishedSpan;
/** Ends the span of an operation as the capture side does. */
const end = (processor: AuditSpanProcessor, detail: OperationDetail, span = spanOf()) =>
  endingSpanOf(detail, () => processor.onEnd(span));

describe('the operation of a span that ends', () => {
  const detail = detailOfCall();

  it('is known while it ends, by its id', () => {
    endingSpanOf(detail, () => {
      expect(detailOf(spanOf())).to.equal(detail);
      expect(detailOf(spanOf('0000000000000001'))).to.equal(undefined);
    });
    expect(detailOf(spanOf())).to.equal(undefined);
  });

  it('is that of the inner span while two end within each other', () => {
    const inner = detailOfCall({
      trace: { context: { traceId: TRACE_ID, spanId: '1'.repeat(16), traceFlags: 1 } },
    });
    endingSpanOf(detail, () => {
      endingSpanOf(inner, () => expect(detailOf(spanOf('1'.repeat(16)))).to.equal(inner));
      expect(detailOf(spanOf())).to.equal(detail);
    });
  });

  it('is forgotten when ending it throws', () => {
    const ending = () =>
      endingSpanOf(detail, () => {
        throw new Error('a processor failed');
      });
    expect(ending).to.throw('a processor failed');
    expect(detailOf(spanOf())).to.equal(undefined);
  });
});

describe('the address that was dialled', () => {
  it('is what the connection says, or its command without secrets, redacted once', () => {
    let asked = 0;
    const redactor = createRedactor();
    const counting = { ...redactor, text: (text: string) => (asked++, redactor.text(text)) };
    const dialled = new Dialled(counting);
    expect(dialled.by({ connectionId: 'c', serverAddress: 'https://a.example/mcp' })).to.equal(
      'https://a.example/mcp',
    );
    const connection = { connectionId: 'c', serverCommand: ['node', 'server.mjs', '--token', 'hunter2222'] };
    const shown = dialled.by(connection);
    expect(shown).to.contain('node server.mjs').and.not.to.contain('hunter2222');
    const before = asked;
    expect(dialled.by(connection)).to.equal(shown);
    expect(asked).to.equal(before);
    expect(dialled.by({ connectionId: 'c' })).to.equal(undefined);
  });
});

describe('a span processor', () => {
  let sink: MemorySink;
  let processor: AuditSpanProcessor;
  beforeEach(() => {
    sink = new MemorySink();
    processor = new AuditSpanProcessor({ sink, environment }).enable();
  });
  afterEach(() => processor.shutdown());

  it('records the operation of a span that ends, for those who take part in it', async () => {
    const others = detailOfCall({ recorders: [] });
    end(processor, others);
    end(processor, detailOfCall({ recorders: liveRecorders() }));
    await processor.forceFlush();
    expect(sink.records).to.have.length(1);
    expect(sink.records[0]).to.include({ resource: 'tools/echo', actor_id: 'connection-1', seq: 0 });
  });

  it('takes part in no operation after it was shut down', async () => {
    const other = new AuditSpanProcessor({ sink: new MemorySink(), environment }).enable();
    const both = liveRecorders().length;
    await other.shutdown();
    expect(liveRecorders()).to.have.length(both - 1);
    end(processor, detailOfCall({ recorders: liveRecorders() }));
    await processor.forceFlush();
    expect(sink.records).to.have.length(1);
  });

  it('gives nothing back when a span starts', () => {
    expect(processor.onStart({})).to.equal(undefined);
  });

  it("leaves others' spans out where it is told to", async () => {
    const foreign = { ...spanOf(), kind: 2, attributes: { 'mcp.method.name': 'ping' }, status: { code: 0 } };
    const span = {
      ...foreign,
      startTime: [1, 0],
      duration: [0, 1],
      instrumentationScope: { name: 'another' },
    } as unknown as FinishedSpan;
    const own = new MemorySink();
    const deaf = new AuditSpanProcessor({ sink: own, environment, foreignSpans: false });
    for (const each of [processor, deaf]) {
      each.onEnd(span);
      each.onEnd({ ...span, attributes: {} } as unknown as FinishedSpan);
      await each.forceFlush();
    }
    await deaf.shutdown();
    expect(sink.of('ping')).to.have.length(1);
    expect(sink.records).to.have.length(1);
    expect(own.records).to.deep.equal([]);
  });

  it('gives an actor that is known to operations that others described', async () => {
    await processor.shutdown();
    for (const [actorId, expected] of [
      ['ada', 'ada'],
      [() => ({ id: 'asked' }), 'connection-1'],
    ] as const) {
      const own = new MemorySink();
      const log = new AuditSpanProcessor({ sink: own, environment, actorId }).enable();
      end(log, detailOfCall({ recorders: liveRecorders() }));
      await log.shutdown();
      expect(own.records[0]?.actor_id).to.equal(expected);
    }
  });

  it('reports a span that cannot be read, and goes on', async () => {
    const told: [Error, ErrorInfo][] = [];
    const log = new AuditSpanProcessor({
      sink: new MemorySink(),
      environment,
      onError: (error, info) => void told.push([error, info]),
    });
    const cause = new Error('no context');
    const broken = {
      spanContext: () => {
        throw cause;
      },
    } as unknown as FinishedSpan;
    end(log, detailOfCall({ recorders: [] }), broken);
    expect(told[0]?.[0]).to.be.instanceOf(SinkError).and.to.include({ sink: 'mapping', cause });
    expect(told[0]?.[1]).to.include({ lost: 1 });
    await log.shutdown();
  });
});

describe('intents that an earlier process left', () => {
  it('are told of as operations whose outcome is unknown', async () => {
    const records: AuditRecord[] = [];
    const intent = sampleRecord(4, { stage: 'request_received', operation_id: 'operation-1', truncated: [] });
    const sink: Sink = {
      name: 'kept',
      unfinishedIntents: [intent],
      emit: (batch) => void records.push(...batch),
    };
    const processor = new AuditSpanProcessor({ sink, environment });
    await processor.shutdown();
    const { seq: _seq, stage: _stage, truncated: _truncated, ...kept } = intent;
    const { record_id, seq, otel_resource, log_id, log_epoch, ...told } = records[0]!;
    expect(otel_resource, 'where it is told, not where it was begun').to.include({
      'process.pid': process.pid,
    });
    expect([log_id === intent.log_id, log_epoch], 'in the log that is written now').to.deep.equal([false, 0]);
    const { record_id: before, otel_resource: _where, log_id: _log, log_epoch: _epoch, ...rest } = kept;
    expect(record_id).not.to.equal(before);
    expect(seq).to.equal(0);
    expect(told).to.deep.equal({
      ...rest,
      outcome: 'OUTCOME_UNSPECIFIED',
      severity: 'SEVERITY_WARNING',
      message: 'An operation was about to be sent when the process ended; its outcome is unknown.',
      error: { type: 'unknown_outcome' },
    });
  });
});

describe('records that a sink did not take', () => {
  for (const [lost, message] of [
    [1, 'Lost 1 record.'],
    [2, 'Lost 2 records.'],
  ] as const)
    it(`are told of in the log: ${message}`, async () => {
      const records: AuditRecord[] = [];
      let refusing = true;
      const sink: Sink = {
        name: 'picky',
        emit: (batch) => {
          if (refusing)
            return { status: 'permanent', error: Object.assign(new Error('no'), { code: 'E_PICKY' }) };
          records.push(...batch);
          return undefined;
        },
      };
      const processor = new AuditSpanProcessor({
        sink,
        environment,
        mode: 'batch',
        onError: () => undefined,
      }).enable();
      for (let index = 0; index < lost; index++) end(processor, detailOfCall({ recorders: liveRecorders() }));
      await processor.forceFlush().catch(() => undefined);
      refusing = false;
      end(processor, detailOfCall({ recorders: liveRecorders() }));
      await processor.shutdown();
      const gap = records.find(({ resource }) => resource === 'audit/gap');
      expect(gap).to.include({
        message,
        event_type: 'EVENT_CONFIG_CHANGE',
        outcome: 'OUTCOME_FAILURE_ERROR',
        severity: 'SEVERITY_ERROR',
      });
      expect(gap?.data).to.deep.include({ sink: 'picky', count: lost, cause: 'E_PICKY' });
      expect(gap?.data).to.have.all.keys('sink', 'count', 'first_time', 'last_time', 'cause');
    });
});
