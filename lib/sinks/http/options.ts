import { loadCodec, type Format } from '../../codecs/load.js';
import type { EncodingProfileOptions, Profile } from '../../codecs/profile.js';
import { ConfigError, type SinkError } from '../../errors.js';
import { isLoopback } from '../../internal/loopback.js';
import { checkOptions, optionalChoice, reject, requireText, type Resolved } from '../../internal/options.js';
import type { AuditRecord } from '../../schema/record.js';
import { retryPolicy, type RetryOptions, type TimeoutOptions } from '../retry.js';
import type { HttpDeliverySettings } from './delivery.js';
import type { ResponseCheck } from './exchange.js';
import { fetchAloneGoesThroughProxies, NodeTransport, requireProxy } from './nodeTransport.js';
import { fetchTransport, type FetchFunction, type HttpTransport } from './transport.js';

/** How the records of a batch are put together. `delimited` (each record after its length) is for protobuf, the others for text. */
type BatchFraming = 'single' | 'ndjson' | 'array' | 'delimited';

/**
 * Batches of {@link HttpSinkOptions}.
 *
 * @see docs/sinks.md
 */
export interface HttpBatchOptions {
  /**
   * How many records one request holds at most.
   * @defaultValue 100; 1 with the framing `single`
   * @minimum 1
   * @maximum 10,000
   */
  readonly maxRecords?: number;
  /** How the records of a batch are put together; `single` is one record per request. @defaultValue `ndjson` for text, `delimited` for protobuf */
  readonly framing?: BatchFraming;
}

/**
 * What {@link HttpSinkOptions} and the options of other sinks over HTTP have in common.
 *
 * @see docs/sinks.md
 */
export interface HttpCommonOptions extends TimeoutOptions, EncodingProfileOptions {
  /** When to try again after 429, 502, 503, 504 and broken connections; full jitter. @defaultValue the default of each of its options */
  readonly retry?: RetryOptions;
  /** A file that takes the records that the receiver refuses for good: JSON lines, mode 0600. @defaultValue none */
  readonly deadLetterFile?: string;
  /** Called with every refusal for good, and with the records refused. @defaultValue none */
  readonly onError?: (error: SinkError, records: readonly AuditRecord[]) => void;
  /**
   * Sends the requests in place of Node's own HTTP client, e.g. through a proxy or with client certificates.
   * @defaultValue Node's HTTP client
   */
  readonly fetch?: FetchFunction;
  /**
   * The address of an HTTP proxy that every request goes through, with the credentials that it asks for. Not with `fetch`.
   * @defaultValue that of the environment, where Node is told to use it (`NODE_USE_ENV_PROXY`)
   * @variable OTEL_MCP_LOG_PROXY that of `HTTPS_PROXY` and `NO_PROXY`, where Node is told to use them (`NODE_USE_ENV_PROXY=1`)
   */
  readonly proxy?: string | URL;
  /** Reads the answers of 2xx, for APIs that answer 200 and report errors in the body; may judge each record. @defaultValue 2xx is a delivery */
  readonly checkResponse?: ResponseCheck;
  /**
   * How much of a response is read.
   * @defaultValue 64 KiB without `checkResponse`, 4 MiB with it
   * @minimum 0
   * @maximum 268,435,456
   * @unit bytes
   */
  readonly maxResponseBytes?: number;
  /** The sink's name in errors and metrics. @defaultValue the sink's kind */
  readonly name?: string;
}

/** {@link HttpCommonOptions}, checked. */
type CheckedCommon = Resolved<'HttpCommonOptions', HttpCommonOptions>;

/** The settings that {@link HttpCommonOptions} give; `sink` stands before each option's name in errors. */
export function commonSettings(
  sink: string,
  options: CheckedCommon,
  { name, endpoint }: { name: string; endpoint: unknown },
) {
  const { timeoutMs, deadLetterFile, onError, checkResponse } = options;
  const url = requireEndpoint(`${sink}.endpoint`, endpoint);
  return {
    ...{ timeoutMs, deadLetterFile, onError, checkResponse },
    name: options.name ?? name,
    retry: retryPolicy(`${sink}.retry`, options.retry),
    endpoint: url,
    transport: transportTo(sink, url, options, checkResponse !== undefined),
  };
}

/** The transport that the options ask for. `keepBody`: whether the bodies of answers are read. */
export function transportTo(
  sink: string,
  address: URL,
  { fetch, proxy: given, checkResponse, maxResponseBytes: most }: HttpCommonOptions,
  keepBody: boolean,
): HttpTransport {
  const proxy = requireProxy(`${sink}.proxy`, given);
  if (fetch !== undefined && proxy !== undefined)
    throw new ConfigError(`${sink}.proxy`, 'cannot be combined with fetch, which makes its own connections');
  const maxResponseBytes = most ?? (checkResponse === undefined ? 64 * 1024 : 4 * 1024 * 1024);
  const reading = { maxResponseBytes, keepBody };
  if (fetch !== undefined) return fetchTransport(fetch, reading);
  if (proxy === undefined && fetchAloneGoesThroughProxies())
    return fetchTransport((url, init) => globalThis.fetch(url, init), reading);
  return new NodeTransport(address, reading, proxy);
}

/** The codec and the size of a batch; checks that the format has the framing. */
export function encodingSettings(
  sink: string,
  format: Format,
  given: HttpBatchOptions | undefined,
  profile: Profile | undefined,
): Pick<HttpDeliverySettings, 'codec' | 'batchSize'> {
  const names = profile === undefined ? {} : { profile };
  const single = { codec: () => loadCodec(format, names) };
  if (given === undefined) return single;
  const batch = checkOptions('HttpBatchOptions', `${sink}.batch`, given);
  const [fallback, framings] = format === 'protobuf' ? BINARY : TEXT;
  const framing = optionalChoice(`${sink}.batch.framing`, batch.framing, framings, fallback);
  if (framing !== 'single') {
    const textFraming = framing === 'array' ? 'array' : 'ndjson';
    const codec = () => loadCodec(format, { ...names, framing: textFraming });
    return { codec, batchSize: batch.maxRecords };
  }
  if (given.maxRecords !== undefined && given.maxRecords > 1)
    throw new ConfigError(`${sink}.batch.maxRecords`, "must be 1 with framing 'single'");
  return single;
}

/** The framings of text and of protobuf: the default one, and all that there are. */
const BINARY = ['delimited', ['single', 'delimited']] as const satisfies FramingsOf;
const TEXT = ['ndjson', ['single', 'ndjson', 'array']] as const satisfies FramingsOf;
type FramingsOf = readonly [BatchFraming, readonly BatchFraming[]];

/** Header fields that the sink or the HTTP client sets. */
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

/**
 * Checks the address to send to: `https`, or `http` to this machine, because records and credentials must not cross a network
 * in the clear.
 *
 * @throws ConfigError that names the broken rule. It does not quote the address, which may hold a secret.
 */
export function requireEndpoint(option: string, value: unknown): URL {
  const text = value instanceof URL ? value.href : requireText(option, value, 'a URL');
  if (!URL.canParse(text)) throw new ConfigError(option, 'got a string that is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw new ConfigError(option, 'expected an https URL (http only to a loopback address)');
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(option, 'got a URL with credentials in it; put them in a header');
  return url;
}

/**
 * Checks the user's own header fields, and turns their names to lower case.
 *
 * @throws ConfigError for what is not a header field, or is one that the sink itself sets. It does not quote a value.
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
