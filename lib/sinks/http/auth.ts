import type * as OAuth from 'oauth4webapi' with { 'resolution-mode': 'import' };
import { isLoopback } from '../../internal/loopback.js';
import { SinkError, ConfigError } from '../../errors.js';
import { MAX_DELAY_MS, deadlineSignal } from '../../internal/duration.js';
import { quietly } from '../sink.js';
import type { Authorization, Failure } from './exchange.js';
import { requireHeaders } from './options.js';
import { retryAfterMs, type HttpTransport, until } from './transport.js';

/** How to ask for a token. */
export interface ClientCredentialsSettings {
  readonly sink: string;
  readonly tokenEndpoint: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string | undefined;
  /** It must keep the bodies of responses, which hold the tokens. */
  readonly transport: HttpTransport;
}

interface Token {
  authorization: string;
  /** In ms of the monotonic clock: a wall clock that is set back must not keep an expired token in use. */
  renewAt: number;
}

/** The lifetime of a token whose `expires_in` is missing or wrong, in seconds. (RFC 6749, 5.1, only recommends the field.) */
const UNSAID_LIFETIME_S = 300;
/** How long before its end a token is renewed, in milliseconds; a tenth of its lifetime, if that is shorter. */
const RENEWAL_MARGIN_MS = 60_000;

/**
 * OAuth 2.0 client credentials (RFC 6749, 4.4) with `oauth4webapi`, a certified client library. A token is kept, and renewed
 * before it expires. Callers that wait for a token share one request.
 */
export class ClientCredentials implements Authorization {
  readonly #settings: ClientCredentialsSettings;
  #token: Token | undefined;
  #pending: Promise<Token | Failure> | undefined;
  /** The pause that the token endpoint asked for with its last answer, in ms. */
  #pauseMs: number | undefined;

  constructor(settings: ClientCredentialsSettings) {
    this.#settings = settings;
  }

  async headers(remainingMs: number): Promise<{ headers: Record<string, string> } | Failure> {
    if (this.#token && performance.now() < this.#token.renewAt) return toHeaders(this.#token);
    this.#pending ??= this.#renew(remainingMs).finally(() => (this.#pending = undefined));
    const renewed = await this.#pending;
    return 'status' in renewed ? renewed : toHeaders(renewed);
  }

  /** Drops the token that was refused, unless it has been renewed already. */
  refused({ authorization }: Record<string, string>): void {
    if (this.#token?.authorization === authorization) this.#token = undefined;
  }

  close(): void {
    this.#settings.transport.close();
  }

  async #renew(remainingMs: number): Promise<Token | Failure> {
    const askedAt = performance.now();
    this.#pauseMs = undefined;
    const oauth = await import('oauth4webapi');
    try {
      const { access_token: token, expires_in: lifetime = UNSAID_LIFETIME_S } = await this.#request(
        oauth,
        remainingMs,
      );
      if (!isSendable(token)) return this.#failure(undefined, oauth);
      const lifetimeMs = lifetime * 1000;
      const renewAt = askedAt + lifetimeMs - Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 10);
      return (this.#token = { authorization: `Bearer ${token}`, renewAt });
    } catch (fault) {
      return this.#failure(fault, oauth);
    }
  }

  async #request(oauth: typeof OAuth, remainingMs: number) {
    const { tokenEndpoint, clientId, clientSecret, scope } = this.#settings;
    const server = { issuer: tokenEndpoint.origin, token_endpoint: tokenEndpoint.href };
    const client = { client_id: clientId };
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      oauth.ClientSecretPost(clientSecret),
      scope === undefined ? {} : { scope },
      {
        [oauth.customFetch]: (url, { headers, body }) =>
          this.#post(new URL(url), headers as Record<string, string>, String(body), remainingMs),
        // `http` is allowed only to an address of this machine.
        [oauth.allowInsecureRequests]: isLoopback(tokenEndpoint.hostname),
      },
    );
    return oauth.processClientCredentialsResponse(server, client, response);
  }

  /** Sends as the sink does: with its bounds of time and size, through its proxy, and without redirects. */
  async #post(url: URL, headers: Record<string, string>, form: string, ms: number): Promise<Response> {
    const request = { url, headers, body: new TextEncoder().encode(form) };
    const outcome = await this.#settings.transport.post(request, ms);
    if ('fault' in outcome) throw new Error(outcome.fault);
    const { status, body, complete } = outcome;
    if (!complete) throw new Error('the token response broke off or is too large');
    if (status !== 200) this.#pauseMs = retryAfterMs(outcome.headers['retry-after'], outcome.headers['date']);
    const sent = new Headers(outcome.headers);
    // The transport has decompressed the body.
    sent.delete('content-encoding');
    const init = { status: status >= 200 && status <= 599 ? status : 502, headers: sent };
    const empty = [204, 205, 304].includes(status);
    return new Response(empty ? null : status === 200 ? withoutNonsense(body) : Buffer.from(body), init);
  }

  /**
   * Why there is no token. Refused credentials are a permanent failure; any other fault may pass. Of the server's answer, only
   * the error code of the standard is reported.
   */
  #failure(fault: unknown, oauth: typeof OAuth): Failure {
    const { sink, tokenEndpoint } = this.#settings;
    const refused =
      (fault instanceof oauth.ResponseBodyError || fault instanceof oauth.WWWAuthenticateChallengeError) &&
      fault.status < 500 &&
      fault.status !== 429;
    const code = fault instanceof oauth.ResponseBodyError ? fault.error : undefined;
    const told = code !== undefined && /^[a-z_]{1,40}$/.test(code) ? code : 'no token';
    const error = new SinkError(sink, `token request to ${tokenEndpoint.origin} failed: ${told}`);
    if (refused) return { status: 'permanent', error };
    const retryAfter = this.#pauseMs;
    return { status: 'retryable', error, ...(retryAfter !== undefined && { retryAfterMs: retryAfter }) };
  }
}

function toHeaders({ authorization }: Token): { headers: Record<string, string> } {
  return { headers: { authorization } };
}

/** No common token is longer, and most receivers take no more than this in all header fields together. */
const MAX_TOKEN_LENGTH = 16_384;

/** Whether a token may stand in a header: RFC 6749, A.12, allows visible ASCII and spaces. */
function isSendable(token: string): boolean {
  return token.length <= MAX_TOKEN_LENGTH && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(token);
}

/**
 * A token answer with only the members that are used, and a lifetime only if it is valid. The library refuses answers for their
 * other members, where some servers write null. A body that is not a JSON object is left as it is.
 */
function withoutNonsense(body: Uint8Array): string {
  const text = new TextDecoder().decode(body);
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null || !('access_token' in answer)) return text;
    const { access_token, token_type, expires_in } = answer as Record<string, unknown>;
    const lifetime = lifetimeSeconds(expires_in);
    return JSON.stringify({
      access_token,
      token_type: token_type ?? 'bearer',
      ...(lifetime !== undefined && { expires_in: lifetime }),
    });
  } catch {
    return text;
  }
}

/** A lifetime in seconds, at most what a timer takes. Some servers write it as text, or 0 for a token without end. */
function lifetimeSeconds(given: unknown): number | undefined {
  const seconds = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof seconds !== 'number' || Number.isNaN(seconds) || seconds <= 0) return undefined;
  return Math.min(seconds, MAX_DELAY_MS / 1000);
}

/** What a {@link HeadersFunction} is given. */
interface HeadersRequest {
  /** Whether the receiver has just refused (401) the last headers: a token must then be a new one. */
  readonly refused: boolean;
}

/** Returns the header fields of one request, such as a token that expires. */
export type HeadersFunction = (
  request: HeadersRequest,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

/** Asks a function of the user's for the headers of each request. While the function fails, records wait. */
export class FreshHeaders implements Authorization {
  #refused = false;

  constructor(
    private readonly sink: string,
    private readonly give: HeadersFunction,
  ) {}

  async headers(remainingMs: number): Promise<{ headers: Record<string, string> } | Failure> {
    const refused = this.#refused;
    this.#refused = false;
    try {
      const signal = deadlineSignal(remainingMs);
      const given = await until(
        signal,
        quietly(async () => this.give({ refused })),
      );
      return { headers: requireHeaders('HttpSink.headers', given ?? null) };
    } catch (fault) {
      return { status: 'retryable', error: new SinkError(this.sink, `headers() failed: ${reasonOf(fault)}`) };
    }
  }

  refused(): void {
    this.#refused = true;
  }
}

/** The message of a user's error may quote a token; the messages of this package's errors never do. */
function reasonOf(fault: unknown): string {
  if (fault instanceof ConfigError) return fault.problem;
  return fault instanceof Error ? fault.name : typeof fault;
}
