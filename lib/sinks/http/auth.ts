import type * as OAuth from 'oauth4webapi' with { 'resolution-mode': 'import' };
import { MAX_DELAY_MS, deadlineSignal } from '../../internal/duration.js';
import { SinkError, ConfigError } from '../../errors.js';
import { isLoopback, requireHeaders } from './options.js';
import type { Authorization, Failure } from './exchange.js';
import { retryAfterMs, type HttpTransport, until } from './transport.js';
import { quietly } from '../emit.js';

/** Where and as whom to ask for a token. */
export interface ClientCredentialsSettings {
  readonly sink: string;
  readonly tokenEndpoint: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string | undefined;
  /** Keeps bodies, within its bound. */
  readonly transport: HttpTransport;
}

interface Token {
  authorization: string;
  /** On the monotonic clock: a stepped wall clock must not keep an expired token alive. */
  renewAt: number;
}

/** Assumed where a token does not say, or says nonsense (RFC 6749, 5.1: `expires_in` is only recommended), in seconds. */
const UNSAID_LIFETIME_S = 300;
/** A token is renewed this long before it expires (a tenth of its life, if that is shorter), in milliseconds. */
const RENEWAL_MARGIN_MS = 60_000;

/**
 * OAuth 2.0 client credentials (RFC 6749, 4.4) with `oauth4webapi`, a certified client library. A token is kept and
 * renewed before it expires; however many wait for one, one request is under way.
 */
export class ClientCredentials implements Authorization {
  readonly #settings: ClientCredentialsSettings;
  #token: Token | undefined;
  #pending: Promise<Token | Failure> | undefined;
  /** How long the token endpoint asked to be left alone with its last answer, in ms. */
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

  /** A token that someone else has renewed already is left alone. */
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
        // Only ever http when the address was accepted as one of this machine.
        [oauth.allowInsecureRequests]: isLoopback(tokenEndpoint),
      },
    );
    return oauth.processClientCredentialsResponse(server, client, response);
  }

  /** The sink's own way out, with its bounds of time and size, its proxy, and no redirect. */
  async #post(url: URL, headers: Record<string, string>, form: string, ms: number): Promise<Response> {
    const request = { url, headers, body: new TextEncoder().encode(form) };
    const outcome = await this.#settings.transport.post(request, ms);
    if ('fault' in outcome) throw new Error(outcome.fault);
    const { status, body, complete } = outcome;
    if (!complete) throw new Error('the token answer broke off, or is too large');
    if (status !== 200) this.#pauseMs = retryAfterMs(outcome.headers['retry-after'], outcome.headers['date']);
    const sent = new Headers(outcome.headers);
    // The body is unpacked by now.
    sent.delete('content-encoding');
    const init = { status: status >= 200 && status <= 599 ? status : 502, headers: sent };
    const empty = [204, 205, 304].includes(status);
    return new Response(empty ? null : status === 200 ? withoutNonsense(body) : Buffer.from(body), init);
  }

  /**
   * Why there is no token. Credentials that the server refuses are refused for good; all else may pass. Of the answer, only
   * the standard's error code is told.
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

/** Tokens are longer than this nowhere, and most receivers take no more in all header fields together. */
const MAX_TOKEN_LENGTH = 16_384;

/** Whether a token may stand in a header: RFC 6749, A.12, allows visible ASCII and spaces. */
function isSendable(token: string): boolean {
  return token.length <= MAX_TOKEN_LENGTH && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(token);
}

/**
 * A token answer without what only helps to refuse it: members that nobody needs, where servers write null for nothing, and
 * a lifetime that is none. What is no JSON object is left as it is.
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

/** Seconds, as a number or as text, no more than a timer takes. Zero is what some servers write for a token without end. */
function lifetimeSeconds(given: unknown): number | undefined {
  const seconds = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof seconds !== 'number' || Number.isNaN(seconds) || seconds <= 0) return undefined;
  return Math.min(seconds, MAX_DELAY_MS / 1000);
}

/** What a function of headers is told. */
export interface HeadersRequest {
  /** Whether the receiver has just refused (401) what the function gave last: a token kept until now must be a new one. */
  readonly refused: boolean;
}

/** Gives the header fields of one request, such as a token that lives an hour. */
export type HeadersFunction = (
  request: HeadersRequest,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

/** Asks a function of the user's for the headers of each request. What goes wrong with it may pass: the records wait. */
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

/** The texts of users' errors may quote a token; those of this package never do. */
function reasonOf(fault: unknown): string {
  if (fault instanceof ConfigError) return fault.problem;
  return fault instanceof Error ? fault.name : typeof fault;
}
