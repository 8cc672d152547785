import { FORMATS, loadCodec, type Format } from '../../codecs/load.js';
import { PROFILES, type Profile } from '../../codecs/profile.js';
import { optionalDelay } from '../../internal/duration.js';
import { ConfigError, type SinkError } from '../../errors.js';
import type { AuditRecord } from '../../schema/record.js';
import {
  optionalChoice,
  optionalInteger,
  optionalText,
  reject,
  requireKnownOptions,
  requireText,
} from '../../internal/validate.js';
import type { HttpDeliverySettings } from './delivery.js';
import { fetchTransport, type Fetch, type HttpTransport } from './transport.js';
import { NodeTransport } from './nodeTransport.js';
import { fetchAloneGoesThroughProxies, requireProxy } from './proxy.js';
import type { ResponseCheck } from './exchange.js';
import { retryPolicy, type RetryOptions } from '../retry.js';

/** How several records make one request. `delimited` (each after its length) is protobuf's; the others are for text. */
export type Framing = 'single' | 'ndjson' | 'array' | 'delimited';

/** Batches of {@link HttpSinkOptions}. */
export interface HttpBatchOptions {
  /** Records in one request at most. @defaultValue `100` */
  maxRecords?: number;
  /** How the records of a batch are put together; `'single'` is one record per request. @defaultValue `'ndjson'`, for protobuf `'delimited'` */
  framing?: Framing;
}

/** What {@link HttpSinkOptions} and the options of other sinks over HTTP have in common. */
export interface HttpCommonOptions {
  /** What one request may take in milliseconds, its retries included. @defaultValue `10000`, as OTLP exporters */
  timeoutMs?: number;
  /** When to try again after 429, 502, 503, 504 and broken connections; full jitter. @defaultValue those of {@link RetryOptions} */
  retry?: RetryOptions;
  /** Where records go that the receiver refuses for good: JSON lines, mode 0600. @defaultValue none */
  deadLetterFile?: string;
  /** Told of every refusal for good, with the records refused. @defaultValue none */
  onError?: (error: SinkError, records: readonly AuditRecord[]) => void;
  /** Instead of Node's own HTTP client: through a proxy, with client certificates. @defaultValue Node's HTTP client */
  fetch?: Fetch;
  /** The address of an HTTP proxy that every request goes through, its credentials in it where it wants some. Not with `fetch`. @defaultValue that of the environment, where Node is told to use it (`NODE_USE_ENV_PROXY`) */
  proxy?: string | URL;
  /** Reads the answers of 2xx, for APIs that answer 200 and tell of errors in the body; may judge each record. @defaultValue 2xx is a delivery */
  checkResponse?: ResponseCheck;
  /** No more of a response is read than this many bytes. @defaultValue `65536`; with `checkResponse` 4 MiB */
  maxResponseBytes?: number;
  /** Whose names and enum numbers the bodies use. @defaultValue `'documented'` */
  profile?: Profile;
  /** Shown in errors and metrics. @defaultValue the sink's kind */
  name?: string;
}

/** The keys of {@link HttpCommonOptions}. */
export const COMMON_KEYS = [
  'timeoutMs',
  'retry',
  'deadLetterFile',
  'onError',
  'fetch',
  'proxy',
  'checkResponse',
  'maxResponseBytes',
  'profile',
  'name',
] as const satisfies readonly (keyof HttpCommonOptions)[];

/** The settings that {@link HttpCommonOptions} give, checked; `sink` stands before each option's name. */
export function commonSettings(
  sink: string,
  options: HttpCommonOptions,
  { name, endpoint }: { name: string; endpoint: unknown },
) {
  const url = requireEndpoint(`${sink}.endpoint`, endpoint);
  return {
    name: optionalText(`${sink}.name`, options.name) ?? name,
    timeoutMs: optionalDelay(`${sink}.timeoutMs`, options.timeoutMs, { fallback: 10_000, min: 1 }),
    retry: retryPolicy(`${sink}.retry`, options.retry),
    deadLetterFile: optionalText(`${sink}.deadLetterFile`, options.deadLetterFile),
    onError: optionalFunction(`${sink}.onError`, options.onError),
    endpoint: url,
    checkResponse: optionalFunction(`${sink}.checkResponse`, options.checkResponse),
    transport: transportTo(sink, url, options, options.checkResponse !== undefined),
  };
}

/** The way that options ask for, to an address: `keepBody` where somebody reads the answers. */
export function transportTo(
  sink: string,
  address: URL,
  options: HttpCommonOptions,
  keepBody: boolean,
): HttpTransport {
  const fetch = optionalFunction(`${sink}.fetch`, options.fetch);
  const proxy = requireProxy(`${sink}.proxy`, options.proxy);
  const fallback = options.checkResponse === undefined ? 65_536 : 4 * 1024 * 1024;
  const maxResponseBytes = optionalInteger(`${sink}.maxResponseBytes`, options.maxResponseBytes, {
    fallback,
    min: 0,
    max: MAX_RESPONSE_BYTES,
  });
  if (fetch !== undefined && proxy !== undefined)
    throw new ConfigError(`${sink}.proxy`, 'has no meaning with a fetch, which goes its own way');
  const reading = { maxResponseBytes, keepBody };
  if (fetch !== undefined) return fetchTransport(fetch, reading);
  if (proxy === undefined && fetchAloneGoesThroughProxies())
    return fetchTransport((url, init) => globalThis.fetch(url, init), reading);
  return new NodeTransport(address, reading, proxy);
}

/** More than this in one answer is a mistake: it is kept in memory. */
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

/** The profile that options name. */
export function profileOf(sink: string, { profile }: HttpCommonOptions): Profile {
  return optionalChoice(`${sink}.profile`, profile, PROFILES, 'documented');
}

/** Format and framing, checked against each other: the codec and the size of a batch. */
export function encodingSettings(
  sink: string,
  format: unknown,
  batch: HttpBatchOptions | undefined,
  profile: Profile,
): Pick<HttpDeliverySettings, 'codec' | 'batchSize'> {
  const chosen: Format = optionalChoice(`${sink}.format`, format, FORMATS, 'json');
  const batchFraming = chosen === 'protobuf' ? 'delimited' : 'ndjson';
  const framings: readonly Framing[] =
    chosen === 'protobuf' ? ['single', 'delimited'] : ['single', 'ndjson', 'array'];
  if (batch === undefined) return { codec: () => loadCodec(chosen, { profile }) };
  requireKnownOptions(`${sink}.batch`, batch, ['maxRecords', 'framing']);
  const framing = optionalChoice(`${sink}.batch.framing`, batch.framing, framings, batchFraming);
  const maxRecords = optionalInteger(`${sink}.batch.maxRecords`, batch.maxRecords, {
    fallback: framing === 'single' ? 1 : 100,
    min: 1,
    max: 10_000,
  });
  if (framing === 'single') {
    if (maxRecords > 1) throw new ConfigError(`${sink}.batch.maxRecords`, "must be 1 with framing 'single'");
    return { codec: () => loadCodec(chosen, { profile }) };
  }
  const textFraming = framing === 'array' ? 'array' : 'ndjson';
  return { codec: () => loadCodec(chosen, { profile, framing: textFraming }), batchSize: maxRecords };
}

/** A function, or nothing. */
function optionalFunction<T extends (...args: never[]) => unknown>(
  option: string,
  value: T | undefined,
): T | undefined {
  if (value !== undefined && typeof value !== 'function') reject(option, value, 'a function');
  return value;
}

/** Addresses of this machine itself: RFC 1122 3.2.1.3 (127/8), RFC 4291 2.5.3 (::1), RFC 6761 6.3 (localhost). */
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Header fields that a sink or the protocol itself sets. */
const RESERVED = [
  'connection',
  'content-length',
  'content-type',
  'host',
  'idempotency-key',
  'transfer-encoding',
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
  'x-signature',
];

/** Whether an address never leaves this machine. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

/**
 * The address to send to: `https`, or `http` to this machine only, since records and credentials would otherwise cross a
 * network in the clear.
 *
 * @throws ConfigError that says which rule was broken and never quotes the address, which may hold a secret.
 */
export function requireEndpoint(option: string, value: unknown): URL {
  const text = value instanceof URL ? value.href : requireText(option, value, 'a URL');
  if (!URL.canParse(text)) throw new ConfigError(option, 'got a string that is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))
    throw new ConfigError(option, 'expected an https URL (http only to a loopback address)');
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(option, 'got a URL with credentials in it; put them in a header');
  return url;
}

/**
 * Header fields of the user's own, names in lower case.
 *
 * @throws ConfigError for what is no header field, or one that the sink itself sets; never quotes a value.
 */
export function requireHeaders(option: string, value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    reject(option, value, 'an object of header fields');
  const headers = new Map<string, string>();
  for (const [name, content] of Object.entries(value)) {
    const lower = name.toLowerCase();
    if (typeof content !== 'string') reject(`${option}.${name}`, content, 'a string');
    if (RESERVED.includes(lower)) throw new ConfigError(`${option}.${name}`, 'is set by the sink itself');
    if (!isHeader(lower, content))
      throw new ConfigError(option, 'got a name or value that HTTP does not allow');
    headers.set(lower, content);
  }
  return Object.fromEntries(headers);
}

function isHeader(name: string, content: string): boolean {
  try {
    return new Headers([[name, content]]).has(name);
  } catch {
    return false;
  }
}
