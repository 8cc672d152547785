import { peek, peekText } from '../internal/peek.js';
import type { McpOAuth } from '../schema/record.js';
import { chainInClaims } from './delegation.js';

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
