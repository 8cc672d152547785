import { createNoopMeter, SpanKind, type Counter, type Histogram, type Meter } from '@opentelemetry/api';
import { peerAttributes, targetAttributes } from './attributes.js';
import type { RefusalReason } from '../errors.js';
import type { RunningOperation } from './running.js';
import { ATTR } from './semconv.js';
import { globalMeter, type SpanSource } from './source.js';

/** The bucket boundaries, in seconds, that OpenTelemetry's conventions for MCP advise for both durations. */
const BOUNDARIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

interface Instruments {
  readonly operation: Histogram;
  readonly session: Histogram;
  readonly refusals: Counter;
}

/** The API hands out one meter for all who have none; instruments of it are not worth their attributes. */
const NOOP = createNoopMeter();

const instruments = new WeakMap<Meter, Instruments>();

/** `error.type` of operations that were refused before the wire. */
const REFUSALS: readonly (string | undefined)[] = [
  'actor_required',
  'tool_changed',
] satisfies RefusalReason[];

/** Reports the durations of an operation and, where it ended a session, of that session. */
export function measure({ ending, kind, source, method, subject, connection }: RunningOperation): void {
  if (ending === undefined || kind !== SpanKind.CLIENT) return;
  const meter = meterOf(source);
  if (meter === NOOP) return;
  const { operation, session, refusals } = instrumentsOf(meter);
  const { error, durationMs } = ending;
  if (REFUSALS.includes(error?.type)) {
    refusals.add(1, { [ATTR.mcpMethodName]: method, [ATTR.errorType]: error?.type });
    return;
  }
  const { protocolVersion } = connection;
  const common = {
    ...peerAttributes(connection),
    ...(protocolVersion !== undefined && { [ATTR.mcpProtocolVersion]: protocolVersion }),
    ...(error !== undefined && { [ATTR.errorType]: error.type }),
  };
  // The end of a session is no message of the protocol, and so no operation of its own.
  if (method === 'close') session.record((performance.now() - connection.startedAt) / 1000, common);
  else {
    const code = error?.code === undefined ? undefined : { [ATTR.rpcStatusCode]: error.code };
    operation.record(durationMs / 1000, {
      ...common,
      ...targetAttributes(method, subject, source.settings.redactor()),
      ...code,
    });
  }
}

function meterOf(source: SpanSource): Meter {
  const meter = source.meter();
  // An instrumentation that was made before any MeterProvider was registered keeps a meter that reports to nobody.
  return meter === NOOP ? globalMeter() : meter;
}

function instrumentsOf(meter: Meter): Instruments {
  let made = instruments.get(meter);
  if (made === undefined) {
    const advice = { explicitBucketBoundaries: BOUNDARIES };
    made = {
      operation: meter.createHistogram('mcp.client.operation.duration', {
        unit: 's',
        description: 'How long an MCP request took, from sending to its response',
        advice,
      }),
      session: meter.createHistogram('mcp.client.session.duration', {
        unit: 's',
        description: 'How long an MCP session lasted',
        advice,
      }),
      refusals: meter.createCounter('mcp_log.refusals', {
        unit: '{operation}',
        description: 'Operations that requireActor or onToolChanged refused before the wire',
      }),
    };
    instruments.set(meter, made);
  }
  return made;
}
