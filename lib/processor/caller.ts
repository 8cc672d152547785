import { peek, peekText } from '../internal/peek.js';
import type { McpOAuth } from '../schema/record.js';
import { chainInClaims, type ActorChain } from './delegation.js';
import { clientAddress, plainAddress } from '../callers.js';
import type { RecordSettings } from '../config.js';
import type { Actor } from '../identity.js';

/** The token of an `Authorization` header (RFC 6750). */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer (\S+)$/i.exec(header ?? '')?.[1];
}

/** The claims of a token that is a JWT, unverified. */
export function claimsIn(token: string): unknown {
  const [, payload = '', signature] = token.split('.');
  if (signature === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString());
  } catch {
    return undefined;
  }
}

/** What the claims of a token say of the authorization that it gives. */
export function oauthInClaims(claims: unknown, isVerified: boolean): McpOAuth {
  const subject = peekText(claims, 'sub');
  const actors = chainInClaims(claims, isVerified)?.links.flatMap(({ id, type }) =>
    type === undefined ? [id] : [],
  );
  return present({
    issuer: peekText(claims, 'iss'),
    client_id: peekText(claims, 'client_id') ?? peekText(claims, 'azp'),
    scopes: scopesIn(peek(claims, 'scope') ?? peek(claims, 'scp')),
    subject,
    subject_identity: subject === undefined ? undefined : isVerified ? 'verified' : 'self-reported',
    actors: actors?.length === 0 ? undefined : actors,
  });
}

/** The scopes in a claim or a parameter, which has them in one text (RFC 6749, section 3.3) or in an array. */
export function scopesIn(value: unknown): readonly string[] | undefined {
  const scopes = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  const texts = scopes.filter((scope): scope is string => typeof scope === 'string' && scope !== '');
  return texts.length === 0 ? undefined : texts;
}

/** Facts without those that are not known. */
export function present(facts: { [Key in keyof McpOAuth]: McpOAuth[Key] | undefined | null }): McpOAuth {
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined && value !== null),
  );
}

/** One end of a connection. */
interface Peer {
  readonly address: string;
  readonly port?: number | undefined;
}

/** What is known of who sends a request to a server. */
export interface CallerSource {
  /** What the server's own verifier of tokens found: the SDK's `AuthInfo`. */
  readonly authInfo?: unknown;
  /** The headers of the HTTP request: those of Node.js, or a `Headers`. */
  readonly headers?: unknown;
  /** The other end of the socket: the client, or a proxy. */
  readonly peer?: Peer | undefined;
}

/** Who sends a request to a server. Nothing is read before it is asked for. */
export class Caller {
  readonly #source: CallerSource;
  #claims: { readonly verified: unknown } | undefined;

  constructor(source: CallerSource) {
    this.#source = source;
  }

  get peer(): Peer | undefined {
    const { peer } = this.#source;
    return peer && { ...peer, address: plainAddress(peer.address) };
  }

  /** The authorization of the request: as the server's verifier found it, else as an unverified token says of itself. */
  get oauth(): McpOAuth | undefined {
    const claims = this.#verified();
    const facts = claims === undefined ? oauthInClaims(this.#claimed(), false) : this.#verifiedOAuth(claims);
    return Object.keys(facts).length === 0 ? undefined : facts;
  }

  /** Who acts for whom, by a token that the server has verified. */
  get chain(): ActorChain | undefined {
    const claims = this.#verified();
    return claims === undefined ? undefined : chainInClaims(claims, true);
  }

  /** Who acts, by such a token. */
  get actor(): Actor | undefined {
    const link = this.chain?.links[0];
    // Whom `act` names acts as an agent of the subject, whatever it is otherwise.
    return link && { id: link.id, type: link.type ?? 'agent' };
  }

  /** The address of the client, behind proxies that the log trusts. */
  address({ proxies, forwardingHeader }: RecordSettings): string | undefined {
    const { peer, headers } = this.#source;
    if (peer === undefined) return undefined;
    return clientAddress(peer.address, headerIn(headers, forwardingHeader), forwardingHeader, proxies);
  }

  /** The headers that may go on record. */
  headers({ recordHeaders }: RecordSettings): Readonly<Record<string, string>> | undefined {
    const found = recordHeaders.flatMap((name): [string, string][] => {
      const value = headerIn(this.#source.headers, name);
      return value === undefined ? [] : [[name, value]];
    });
    return found.length === 0 ? undefined : Object.fromEntries(found);
  }

  #verifiedOAuth(claims: unknown): McpOAuth {
    const { authInfo } = this.#source;
    const expires = peek(authInfo, 'expiresAt');
    return present({
      ...oauthInClaims(claims, true),
      scopes: scopesIn(peek(authInfo, 'scopes')),
      expires_at: typeof expires === 'number' ? timeOf(expires) : undefined,
    });
  }

  /** What the server's verifier says of the token, and of what it says nothing, the token that it took. */
  #verified(): unknown {
    this.#claims ??= { verified: verifiedClaims(this.#source.authInfo) };
    return this.#claims.verified;
  }

  #claimed(): unknown {
    const token = bearerOf(headerIn(this.#source.headers, 'authorization'));
    return token === undefined ? undefined : claimsIn(token);
  }
}

/**
 * The claims of a token that a verifier has taken. The SDK's `AuthInfo` has a place for the client alone; verifiers put the other claims
 * into `extra` (a few of them, or the whole payload, also as `extra.claims`), those of mcp-auth beside it (`subject`, `issuer`,
 * `claims`). The token itself is asked last.
 */
function verifiedClaims(authInfo: unknown): unknown {
  if (typeof authInfo !== 'object' || authInfo === null) return undefined;
  const extra = peek(authInfo, 'extra');
  const token = peekText(authInfo, 'token');
  const holders = [
    extra,
    peek(extra, 'claims'),
    peek(extra, 'payload'),
    peek(authInfo, 'claims'),
    token === undefined ? undefined : claimsIn(token),
  ];
  const first = (name: string): unknown =>
    holders.map((holder) => peek(holder, name)).find((value) => value !== undefined && value !== null);
  const client = peekText(authInfo, 'clientId');
  const subject =
    first('sub') ?? peek(authInfo, 'subject') ?? peek(extra, 'subject') ?? peek(extra, 'userId') ?? client;
  return {
    iss: first('iss') ?? peek(authInfo, 'issuer') ?? peek(extra, 'issuer'),
    sub: subject,
    act: first('act'),
    client_id: client ?? first('client_id') ?? first('azp'),
  };
}

/** The value of a header, of Node.js' headers or of a `Headers`; several values are joined as HTTP joins them. */
export function headerIn(headers: unknown, name: string): string | undefined {
  const get = peek(headers, 'get');
  const value: unknown =
    typeof get === 'function' ? Reflect.apply(get, headers, [name]) : peek(headers, name);
  if (Array.isArray(value)) return value.map(String).join(', ');
  return typeof value === 'string' ? value : undefined;
}

/** Seconds since the epoch as a time, where they are one. */
function timeOf(seconds: number): string | undefined {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
