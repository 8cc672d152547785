import { loadCodec } from '../../codecs/load.js';
import type { Profile } from '../../codecs/profile.js';
import { ConfigError } from '../../errors.js';
import { sleep } from '../../internal/duration.js';
import { checkOptions, reject, requireText, type Resolved } from '../../internal/options.js';
import type { AuditRecord } from '../../schema/record.js';
import { SerialSink } from '../serialSink.js';
import type { SinkResult } from '../sink.js';
import { ClientCredentials } from './auth.js';
import { HttpDelivery } from './delivery.js';
import { optionalSigner, type HttpStats } from './exchange.js';
import { commonSettings, requireEndpoint, transportTo, type HttpCommonOptions } from './options.js';

/** How the sink proves who sends: `oauth` to the service; `hmac` or `none` to its container. */
type FieldNotesAuth = 'oauth' | 'hmac' | 'none';

/**
 * Options of {@link FieldNotesSink}.
 *
 * @see docs/sinks.md
 */
export interface FieldNotesSinkOptions extends HttpCommonOptions {
  /** Where events go. @defaultValue the service's address; a container's is `{base}/v1/events` */
  readonly endpoint?: string | URL;
  /** How the sink proves to the receiver who sends. @defaultValue `hmac` with only an `hmacKey`, else `oauth` */
  readonly auth?: FieldNotesAuth;
  /** The client of the OAuth 2.0 client credentials grant. @defaultValue none; `oauth` requires it */
  readonly clientId?: string;
  /** The secret of that client. @defaultValue none; `oauth` requires it */
  readonly clientSecret?: string;
  /** Where access tokens come from. @defaultValue the service's address */
  readonly tokenEndpoint?: string | URL;
  /** The scope of the access tokens. @defaultValue `fieldnotes.ingest` */
  readonly scope?: string;
  /** Signs each body (`X-Signature`), for `hmac`. @defaultValue none; `hmac` requires it */
  readonly hmacKey?: string | Uint8Array;
  /**
   * How many requests a second the sink makes at most.
   * @defaultValue 10, as the free tier allows
   * @minimum 1
   * @maximum 100,000
   */
  readonly requestsPerSecond?: number;
}

const ENDPOINT = 'https://api.lokryn.com/fieldnotes/v1/events';
const TOKEN_ENDPOINT = 'https://auth.lokryn.com/oauth2/token';

/** The environment variables that {@link FieldNotesSink.fromEnv} reads, by option. */
export const FIELD_NOTES_VARIABLES = {
  endpoint: 'LOKRYN_ENDPOINT',
  auth: 'LOKRYN_AUTH',
  clientId: 'LOKRYN_CLIENT_ID',
  clientSecret: 'LOKRYN_CLIENT_SECRET',
  tokenEndpoint: 'LOKRYN_TOKEN_ENDPOINT',
  scope: 'LOKRYN_SCOPE',
  hmacKey: 'LOKRYN_HMAC_KEY',
} as const satisfies Partial<Record<keyof FieldNotesSinkOptions, string>>;

/**
 * Sends each record to Lokryn Field Notes, as one serialized `LogRequest` per request, because the service has not published a
 * framing for batches. It uses OAuth 2.0 client credentials; the token is kept, and renewed before it expires and after a 401.
 *
 * @throws ConfigError for an unknown option, a value of the wrong kind, an address that is not secure, or missing
 *   credentials.
 *
 * @example
 * ```ts
 * const sink = new FieldNotesSink({ clientId, clientSecret });
 * const local = new FieldNotesSink({ endpoint: 'http://127.0.0.1:8080/v1/events', auth: 'none' });
 * ```
 */
export class FieldNotesSink extends SerialSink {
  /** The receiver's origin. */
  readonly destination: string;
  /** The profile whose names it writes, where it was told one. */
  readonly profile: Profile | undefined;
  readonly #delivery: HttpDelivery;

  constructor(given: FieldNotesSinkOptions = {}) {
    const options = checkOptions('FieldNotesSinkOptions', 'FieldNotesSink', given);
    const common = commonSettings('FieldNotesSink', options, {
      name: 'field-notes',
      endpoint: options.endpoint ?? ENDPOINT,
    });
    const { profile } = options;
    const limit = new RateLimit(options.requestsPerSecond);
    super(common.name);
    this.destination = common.endpoint.origin;
    this.profile = profile;
    this.#delivery = new HttpDelivery({
      ...common,
      ...authSettings(given, options, common),
      headers: {},
      codec: () => loadCodec('protobuf', profile === undefined ? {} : { profile }),
      pace: () => limit.take(),
    });
  }

  /**
   * Makes the sink from environment variables: `LOKRYN_CLIENT_ID`, `LOKRYN_CLIENT_SECRET`, and if they are set `LOKRYN_ENDPOINT`,
   * `LOKRYN_AUTH`, `LOKRYN_TOKEN_ENDPOINT`, `LOKRYN_SCOPE`, `LOKRYN_HMAC_KEY`. Options that are given here override them.
   *
   * @throws ConfigError as the constructor does.
   *
   * @example
   * ```ts
   * const sink = FieldNotesSink.fromEnv();
   * ```
   */
  static fromEnv(
    env: Readonly<Record<string, string | undefined>> = process.env,
    options: FieldNotesSinkOptions = {},
  ): FieldNotesSink {
    const found = Object.entries(FIELD_NOTES_VARIABLES)
      .map(([option, variable]) => [option, env[variable]] as const)
      .filter(([, value]) => value !== undefined && value !== '');
    return new FieldNotesSink({ ...Object.fromEntries(found), ...options });
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

type CheckedOptions = Resolved<'FieldNotesSinkOptions', FieldNotesSinkOptions>;

/** The settings of the authorization that the options ask for. Refuses options that belong to another one. */
function authSettings(
  given: FieldNotesSinkOptions,
  options: CheckedOptions,
  common: ReturnType<typeof commonSettings>,
) {
  const inferred = options.clientId === undefined && options.hmacKey !== undefined ? 'hmac' : 'oauth';
  const { auth = inferred, scope } = options;
  for (const [key, needs] of Object.entries(NEEDED_BY)) {
    if (given[key as keyof typeof NEEDED_BY] !== undefined && needs !== auth)
      throw new ConfigError(`FieldNotesSink.${key}`, `cannot be combined with auth '${auth}'`);
  }
  if (auth === 'none') return {};
  if (auth === 'hmac') {
    const signer = optionalSigner('FieldNotesSink.hmacKey', options.hmacKey);
    return signer ? { signer } : reject('FieldNotesSink.hmacKey', undefined, 'a non-empty string or bytes');
  }
  const tokenEndpoint = requireEndpoint(
    'FieldNotesSink.tokenEndpoint',
    options.tokenEndpoint ?? TOKEN_ENDPOINT,
  );
  const { checkResponse: _check, maxResponseBytes: _bound, ...way } = options;
  return {
    authorization: new ClientCredentials({
      sink: common.name,
      tokenEndpoint,
      clientId: requireText('FieldNotesSink.clientId', options.clientId),
      clientSecret: requireText('FieldNotesSink.clientSecret', options.clientSecret),
      scope,
      transport: transportTo('FieldNotesSink', tokenEndpoint, way, true),
    }),
  };
}

/** Options that belong to one `auth` only: with another, they show a mistake. */
const NEEDED_BY = {
  clientId: 'oauth',
  clientSecret: 'oauth',
  tokenEndpoint: 'oauth',
  scope: 'oauth',
  hmacKey: 'hmac',
} as const;

/**
 * A token bucket: a burst of up to `perSecond` requests, then as many in a second. Callers go through in the order in which they
 * came.
 */
class RateLimit {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt = performance.now();
  #last: Promise<void> = Promise.resolve();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Resolves when one more request may be made. */
  take(): Promise<void> {
    this.#last = this.#last.then(() => this.#take());
    return this.#last;
  }

  async #take(): Promise<void> {
    this.#fill();
    while (this.#tokens < 1) {
      await sleep(Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000));
      this.#fill();
    }
    this.#tokens--;
  }

  #fill(): void {
    const now = performance.now();
    const earned = ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned);
    this.#filledAt = now;
  }
}
