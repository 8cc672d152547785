import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { peek, peekCall } from './internal/peek.js';
import { shared } from './internal/shared.js';
import { wellFormed } from './internal/text.js';
import { requirePairs } from './internal/options.js';
import { RESOURCE_ATTRIBUTES } from './schema/fields.js';
import type { OtelResource } from './schema/record.js';

/** The most of an attribute that goes on record: a host's name has 253 characters at most (RFC 1035). */
const LONGEST = 255;
/** The most characters that all of them may have; what does not fit any more is left out. */
const LONGEST_TOGETHER = 2_048;

/** What OpenTelemetry's SDK calls a service that nobody has named. */
const UNNAMED = 'unknown_service';

/** The id of this process where nothing else names its instance: a random UUID, as the conventions advise. */
const instance = shared('instance', () => ({ id: randomUUID() }));

/**
 * Where the records of one log are written. It begins with what the process knows of itself and takes over what the tracer provider's
 * resource says, as soon as an operation or a span has shown it. In between it is one frozen object, which costs a record nothing.
 */
export class LogOrigin {
  readonly #own: Readonly<Record<string, unknown>>;
  #seen: unknown;
  #current: OtelResource;

  /** @param component names the service where neither a provider nor a variable does. */
  constructor(component: string, env: Readonly<Record<string, string | undefined>> = process.env) {
    const variables = resourceVariables(env);
    const service = env['OTEL_SERVICE_NAME']?.trim();
    this.#own = {
      'service.name': component,
      'service.instance.id': instance.id,
      'host.name': hostname(),
      ...Object.fromEntries(variables),
      ...(service !== undefined && service !== '' && { 'service.name': service }),
      'process.pid': process.pid,
    };
    this.#current = kept(this.#own, {});
  }

  /** The resource that goes on record. */
  get current(): OtelResource {
    return this.#current;
  }

  /**
   * Takes over the resource of a tracer provider: anything that looks like one. Attributes that its detectors are still looking for
   * are taken when they have found them.
   */
  learn(resource: unknown): void {
    if (resource === undefined || resource === this.#seen) return;
    this.#seen = resource;
    this.#take(resource);
    if (peek(resource, 'asyncAttributesPending') !== true) return;
    const settled = peekCall(resource, 'waitForAsyncAttributes');
    if (settled instanceof Promise) settled.then(() => this.#take(resource)).catch(() => undefined);
  }

  #take(resource: unknown): void {
    if (resource === this.#seen) this.#current = kept(this.#own, attributesOf(resource));
  }
}

/** On which side of a connection an operation was seen. */
export type Side = 'client' | 'server';

/** What writes the records of a log, for those of clients and for those of servers: the part of a system, and where it runs. */
export interface Writers {
  readonly component: string;
  readonly serverComponent: string;
  readonly origin: LogOrigin;
  readonly serverOrigin: LogOrigin;
}

/** What part of a system writes the records of one side. */
export function componentOf({ component, serverComponent }: Writers, side: Side | undefined): string {
  return side === 'server' ? serverComponent : component;
}

/** Where the records of one side are written. */
export function originOf({ origin, serverOrigin }: Writers, side: Side | undefined): LogOrigin {
  return side === 'server' ? serverOrigin : origin;
}

/** The attributes of a resource that are settled. Its `attributes` complain on `diag` while others are pending. */
function attributesOf(resource: unknown): Readonly<Record<string, unknown>> {
  const raw = peekCall(resource, 'getRawAttributes');
  if (!Array.isArray(raw)) return (peek(resource, 'attributes') ?? {}) as Record<string, unknown>;
  const found: Record<string, unknown> = {};
  // The first entry of a name counts, as in the SDK.
  for (const [name, value] of raw as [string, unknown][])
    if (value !== undefined && value !== null && !(value instanceof Promise)) found[name] ??= value;
  return found;
}

/**
 * The attributes that go on record, of two sources: those of the second one count. All others stay out: the detectors' command line
 * may hold secrets, and most say nothing about where a record is from.
 */
function kept(
  own: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): OtelResource {
  const found: Record<string, string | number> = {};
  let left = LONGEST_TOGETHER;
  for (const name of RESOURCE_ATTRIBUTES) {
    const value = shown(name, theirs[name]) ?? shown(name, own[name]);
    if (value === undefined) continue;
    left -= name.length + String(value).length;
    if (left >= 0) found[name] = value;
  }
  return Object.freeze(found);
}

/**
 * What `OTEL_RESOURCE_ATTRIBUTES` says: `key=value` pairs, percent-encoded. OpenTelemetry ignores the whole variable where a part of
 * it is malformed, and so do we.
 */
export function resourceVariables(
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  try {
    return new Map(requirePairs('OTEL_RESOURCE_ATTRIBUTES', env['OTEL_RESOURCE_ATTRIBUTES'] ?? ''));
  } catch {
    return new Map();
  }
}

/** A value as it goes on record; undefined where it says nothing. */
function shown(name: keyof OtelResource, value: unknown): string | number | undefined {
  if (name === 'process.pid') return Number.isSafeInteger(value) ? (value as number) : undefined;
  if (typeof value !== 'string') return undefined;
  const text = wellFormed(value).trim();
  if (text === '' || (name === 'service.name' && text.startsWith(UNNAMED))) return undefined;
  return text.slice(0, LONGEST);
}
