import { createHash, createHmac } from 'node:crypto';
import { optionalChoice } from '../../internal/validate.js';
import { requireKey } from '../text/replacement.js';

/** Shows a session id as records and spans may have it. */
export type SessionIds = (id: string) => string;

/**
 * How session ids are shown, by the options. The MCP session id is a bearer value: whoever sends it speaks for the session
 * (MCP, transports, session management). Its hash says as well which records belong together.
 *
 * @throws ConfigError when `hmacKey` is too short.
 */
export function compileSessionIds(kept: unknown, hmacKey: unknown): SessionIds {
  if (optionalChoice('sessionId', kept, ['hash', 'keep'] as const, 'hash') === 'keep') return (id) => id;
  const key = hmacKey === undefined ? undefined : requireKey(hmacKey);
  // One connection asks again and again.
  let last = { id: '', shown: '' };
  return (id) => {
    if (last.id !== id) last = { id, shown: hashed(id, key) };
    return last.shown;
  };
}

function hashed(id: string, key: Uint8Array | undefined): string {
  if (key === undefined) return `sha256:${createHash('sha256').update(id, 'utf8').digest('hex')}`;
  return `hmac-sha256:${createHmac('sha256', key).update(id, 'utf8').digest('hex')}`;
}
