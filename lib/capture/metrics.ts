import {
  createNoopMeter,
  SpanKind,
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
} from '@opentelemetry/api';
import {
  failureOf,
  networkAttributes,
  peerAttributes,
  statusCodeOf,
  targetAttributes,
} from './attributes.js';
import type { RefusalReason } from '../errors.js';
import type { RunningOperation } from './running.js';
import { ATTR, METRIC } from './semconv.js';
import { globalMeter, type SpanSource } from './source.js';

/** The bucket boundaries, in seconds, that OpenTelemetry's conventions for MCP advise for both durations. */
const BOUNDARIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

interface Instruments {
  readonly operation: Histogram;
  /** What servers ask of the client. */
  readonly asked: Histogram;
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
export function measure(running: RunningOperation): void {
  const { ending, kind, source, method, connection } = running;
  if (ending === undefined || kind === SpanKind.INTERNAL) return;
  const meter = meterOf(source);
  if (meter === NOOP) return;
  const instruments = instrumentsOf(meter);
  const { error, durationMs } = ending;
  if (REFUSALS.includes(error?.type)) {
    instruments.refusals.add(1, { [ATTR.mcpMethodName]: method, [ATTR.errorType]: error?.type });
    return;
  }
  // The end of a session is no message of the protocol, and so no operation of its own.
  if (method === 'close') {
    const seconds = (performance.now() - connection.startedAt) / 1000;
    instruments.session.record(seconds, commonAttributes(running, peerAttributes(connection)));
  } else {
    const asked = kind === SpanKind.SERVER;
    const peer = asked ? networkAttributes(connection) : peerAttributes(connection);
    (asked ? instruments.asked : instruments.operation).record(durationMs / 1000, {
      ...commonAttributes(running, peer),
      ...targetAttributes(method, running.subject, source.settings.redactor()),
    });
  }
}

function commonAttributes(running: RunningOperation, peer: Attributes): Attributes {
  const { protocolVersion } = running.connection;
  const error = failureOf(running);
  const code = statusCodeOf(running);
  return {
    ...peer,
    ...(protocolVersion !== undefined && { [ATTR.mcpProtocolVersion]: protocolVersion }),
    ...(error !== undefined && { [ATTR.errorType]: error.type }),
    ...(code !== undefined && { [ATTR.rpcStatusCode]: code }),
  };
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
      operation: meter.createHistogram(METRIC.clientOperationDuration, {
        unit: 's',
        description: 'How long an MCP request took, from sending to its response',
        advice,
      }),
      asked: meter.createHistogram(METRIC.serverOperationDuration, {
        unit: 's',
        description: 'How long a request of the server took, from its arrival to the answer',
        advice,
      }),
      session: meter.createHistogram(METRIC.clientSessionDuration, {
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
