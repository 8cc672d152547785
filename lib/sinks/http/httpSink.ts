import type { Format } from '../../codecs/load.js';
import { ConfigError } from '../../errors.js';
import type { Profile } from '../../codecs/profile.js';
import { checkOptions } from '../../internal/options.js';
import type { AuditRecord } from '../../schema/record.js';
import { SerialSink } from '../serialSink.js';
import type { SinkResult } from '../sink.js';
import { FreshHeaders, type HeadersFunction } from './auth.js';
import { HttpDelivery } from './delivery.js';
import { optionalSigner, type HttpStats } from './exchange.js';
import {
  requireHeaders,
  commonSettings,
  encodingSettings,
  type HttpBatchOptions,
  type HttpCommonOptions,
} from './options.js';
import { receiverCodec, receiverNamed, type HttpReceiver, type HttpReceiverName } from './receivers.js';

/**
 * Options of {@link HttpSink}.
 *
 * @see docs/sinks.md
 */
export interface HttpSinkOptions extends HttpCommonOptions {
  /**
   * Where to POST: `https`, or `http` to a loopback address; no credentials in it.
   * @variable OTEL_MCP_LOG_ENDPOINT none; `http` requires it
   */
  readonly endpoint: string | URL;
  /**
   * Header fields of each request, e.g. an API key; not those that the sink sets itself. A function is asked before each request,
   * and again after a 401: for tokens that expire. While it fails, records wait.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_HEADERS none; written as in `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`
   */
  readonly headers?: Readonly<Record<string, string>> | HeadersFunction;
  /**
   * The product that receives, for those with an API of their own: path, body and answers are then as it documents them. See
   * docs/destinations.md.
   * @defaultValue none: the records as they are
   * @variable OTEL_MCP_LOG_RECEIVER
   */
  readonly receiver?: HttpReceiverName;
  /**
   * The encoding of the bodies; of the records in them, where there is a `receiver`.
   * @defaultValue `json`; `ecs` for the receiver `elastic`
   * @variable OTEL_MCP_LOG_FORMAT
   */
  readonly format?: Format;
  /**
   * Signs each body: `X-Signature` (hex HMAC-SHA256 of the exact bytes) and the headers of Standard Webhooks. Text is used
   * as its UTF-8 bytes; a Standard Webhooks secret (`whsec_…`) as the bytes that it encodes.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_HMAC_KEY
   */
  readonly hmacKey?: string | Uint8Array;
  /** Puts several records into one request. @defaultValue one record per request */
  readonly batch?: HttpBatchOptions;
}

/**
 * Posts records to a receiver of yours, in order, one at a time or in batches. The id of the record or of the batch is sent as
 * `Idempotency-Key`, the same on every retry, so that a receiver can recognise what it has already.
 *
 * A redirect is a failure, and is not followed. The sink's own requests make no spans.
 *
 * @throws ConfigError for an unknown option, a value of the wrong kind, or an address that is not secure.
 *
 * @example
 * ```ts
 * const sink = new HttpSink({
 *   endpoint: 'https://audit.example.com/records',
 *   hmacKey: key,
 *   batch: { maxRecords: 500 },
 * });
 * ```
 */
export class HttpSink extends SerialSink {
  /** The receiver's origin. The path is left out, because it may hold a secret, as that of a webhook does. */
  readonly destination: string;
  /** The profile whose names it writes, where it was told one. */
  readonly profile: Profile | undefined;
  readonly #delivery: HttpDelivery;

  constructor(given: HttpSinkOptions) {
    const options = checkOptions('HttpSinkOptions', 'HttpSink', given);
    const receiver = options.receiver && receiverNamed(options.receiver);
    const common = commonSettings(
      'HttpSink',
      receiver?.check === undefined ? options : { checkResponse: receiver.check, ...options },
      { name: options.receiver ?? 'http', endpoint: options.endpoint },
    );
    const settings = {
      ...common,
      ...(receiver
        ? { endpoint: receiver.address(common.endpoint), ...receivedAs(receiver, given) }
        : encodingSettings('HttpSink', options.format, options.batch, options.profile)),
      signer: optionalSigner('HttpSink.hmacKey', options.hmacKey),
    };
    super(settings.name);
    this.destination = settings.endpoint.origin;
    this.profile = options.profile;
    this.#delivery = new HttpDelivery({ ...settings, ...headersOf(settings.name, options.headers) });
  }

  /** Requests, retries and refusals so far. */
  get stats(): Readonly<HttpStats> {
    return this.#delivery.stats;
  }

  protected async deliver(records: readonly AuditRecord[]): Promise<SinkResult> {
    return this.#delivery.send(records);
  }

  protected override async release(): Promise<void> {
    this.#delivery.close();
  }
}

/** The body that a receiver takes, of as many records as the user or the receiver says. */
function receivedAs(receiver: HttpReceiver, { format, batch, profile }: HttpSinkOptions) {
  if (batch?.framing !== undefined)
    throw new ConfigError('HttpSink.batch.framing', 'is decided by the receiver; leave it out');
  const inner = format ?? receiver.format;
  if (inner === 'protobuf')
    throw new ConfigError('HttpSink.format', 'is protobuf, and the receiver takes text');
  const chosen = batch && checkOptions('HttpBatchOptions', 'HttpSink.batch', batch).maxRecords;
  return {
    codec: () => receiverCodec(receiver, inner, profile),
    batchSize: chosen ?? receiver.perRequest,
    alsoRetryable: [INTERNAL_SERVER_ERROR],
  };
}

/** The products answer it to what has nothing to do with the records. */
const INTERNAL_SERVER_ERROR = 500;

function headersOf(sink: string, given: HttpSinkOptions['headers']) {
  if (typeof given === 'function') return { headers: {}, authorization: new FreshHeaders(sink, given) };
  return { headers: requireHeaders('HttpSink.headers', given) };
}
