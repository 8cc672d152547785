import type * as OAuth from 'oauth4webapi' with { 'resolution-mode': 'import' };
import { deadlineSignal } from '../duration.js';
import { SinkError } from '../errors.js';
import { isLoopback } from './endpoint.js';
import type { Authorization, Failure } from './httpExchange.js';
import type { Fetch } from './fetchTransport.js';
import { quietly } from './emit.js';

/** Where and as whom to ask for a token. */
export interface ClientCredentialsSettings {
  readonly sink: string;
  readonly tokenEndpoint: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string | undefined;
  readonly fetch: Fetch;
  /** What one token request may take, in milliseconds. */
  readonly timeoutMs: number;
}

interface Token {
  authorization: string;
  /** On the monotonic clock: a stepped wall clock must not keep an expired token alive. */
  renewAt: number;
}

/** Assumed where a token does not say (RFC 6749, 5.1: `expires_in` is only recommended), in seconds. */
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

  constructor(settings: ClientCredentialsSettings) {
    this.#settings = settings;
  }

  async headers(): Promise<{ headers: Record<string, string> } | Failure> {
    if (this.#token && performance.now() < this.#token.renewAt) return toHeaders(this.#token);
    this.#pending ??= this.#renew().finally(() => (this.#pending = undefined));
    const renewed = await this.#pending;
    return 'status' in renewed ? renewed : toHeaders(renewed);
  }

  /** A token that someone else has renewed already is left alone. */
  refused({ authorization }: Record<string, string>): void {
    if (this.#token?.authorization === authorization) this.#token = undefined;
  }

  async #renew(): Promise<Token | Failure> {
    const askedAt = performance.now();
    const oauth = await import('oauth4webapi');
    try {
      const { access_token: token, expires_in: lifetime = UNSAID_LIFETIME_S } = await this.#request(oauth);
      const lifetimeMs = lifetime * 1000;
      const renewAt = askedAt + lifetimeMs - Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 10);
      return (this.#token = { authorization: `Bearer ${token}`, renewAt });
    } catch (fault) {
      return this.#failure(fault, oauth);
    }
  }

  async #request(oauth: typeof OAuth) {
    const { tokenEndpoint, clientId, clientSecret, scope, fetch, timeoutMs } = this.#settings;
    const server = { issuer: tokenEndpoint.origin, token_endpoint: tokenEndpoint.href };
    const client = { client_id: clientId };
    const response = await quietly(() =>
      oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.ClientSecretPost(clientSecret),
        scope === undefined ? {} : { scope },
        {
          [oauth.customFetch]: fetch as never,
          // Only ever http when the address was accepted as one of this machine.
          [oauth.allowInsecureRequests]: isLoopback(tokenEndpoint),
          signal: deadlineSignal(timeoutMs),
        },
      ),
    );
    return oauth.processClientCredentialsResponse(server, client, response);
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
    return { status: refused ? 'permanent' : 'retryable', error };
  }
}

function toHeaders({ authorization }: Token): { headers: Record<string, string> } {
  return { headers: { authorization } };
}
