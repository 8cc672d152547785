import { ConfigError } from '../../errors.js';
import { reject, requireText } from '../../internal/validate.js';

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
