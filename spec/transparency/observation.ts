import { inspect } from 'node:util';

/**
 * What could be seen of a program while it ran: for each thing that somebody may wait for or listen to, what came of it, in
 * order. Between two of them the order is not compared: a record costs a call a few microtasks, which may let a message
 * that arrives in the same turn of the loop be handled first.
 */
export class Observation {
  readonly events: Record<string, string[]> = {};

  /** Puts an event down in each of the places where it can be seen. */
  add(event: string, ...places: string[]): void {
    for (const place of places) (this.events[place] ??= []).push(event);
  }
}

/** An error as user code sees it: what it is, what it says and carries, and where in user code its stack leads. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: describeValue(error) };
  const { name, message, cause } = error;
  const own = Object.fromEntries(
    Object.getOwnPropertyNames(error)
      .filter((key) => !['stack', 'message', 'cause'].includes(key))
      .map((key) => [key, describeValue(Reflect.get(error, key))]),
  );
  return {
    class: error.constructor.name,
    name,
    message,
    own,
    ...(cause !== undefined && { cause: describeError(cause) }),
    from: userFrame(error),
  };
}

/** A value with everything that makes it what it is: prototypes, descriptors of accessors, symbols. */
export function describeValue(value: unknown): string {
  return inspect(value, { depth: null, showHidden: true, sorted: false, breakLength: Infinity });
}

/** The function of user code nearest to the fault, without line and column: the same on both sides. */
function userFrame({ stack = '' }: Error): string | undefined {
  const frame = stack.split('\n').find((line) => line.includes('/spec/transparency/'));
  return frame?.replace(/\(.*/, '').trim();
}

/** Fields of the trace context, which are all that may be added to a message (SEP-414). */
const PROPAGATION = new Set(['traceparent', 'tracestate', 'baggage']);

/** A message on the wire, byte for byte but for what carries the trace. */
export function describeMessage(message: unknown): string {
  const copy = JSON.parse(JSON.stringify(message)) as { params?: { _meta?: Record<string, unknown> } };
  const meta = copy.params?._meta;
  if (copy.params !== undefined && meta !== undefined) {
    for (const key of PROPAGATION) Reflect.deleteProperty(meta, key);
    if (Object.keys(meta).length === 0) delete copy.params._meta;
  }
  // Parameters that are there for the trace alone are none.
  if (copy.params !== undefined && Object.keys(copy.params).length === 0) delete copy.params;
  return JSON.stringify(copy);
}

/** Where two observations part, in words; nothing where they are the same. */
export function differences(bare: Observation['events'], audited: Observation['events']): string {
  const places = new Set([...Object.keys(bare), ...Object.keys(audited)]);
  return [...places]
    .filter((place) => JSON.stringify(bare[place]) !== JSON.stringify(audited[place]))
    .map(
      (place) => `${place}, bare:\n  ${listed(bare[place])}\n${place}, audited:\n  ${listed(audited[place])}`,
    )
    .join('\n');
}

const listed = (events: readonly string[] = ['nothing']): string => events.join('\n  ');
