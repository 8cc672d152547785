import { PACKAGE_NAME } from '../version.js';
import { Envelope } from './messages.js';
import { memberOf, valueIn } from './jsonText.js';
import { peek, peekText } from '../internal/peek.js';

/** Headers as they stand in a message: name, value, name, value. Their order, spelling and repetitions are kept. */
export type RawHeaders = readonly string[];

/** They concern one connection, and do not go on to the next (RFC 9110, section 7.6.1; RFC 9112; RFC 2616 for the last). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authorization', 'proxy-authenticate', 'proxy-authentication-info'],
]);

/** Name and value of each header. */
export function* each(headers: RawHeaders): Generator<readonly [name: string, value: string], void> {
  for (let at = 0; at + 1 < headers.length; at += 2) yield [headers[at] ?? '', headers[at + 1] ?? ''];
}

/** The value of the first header of a name, which is given in lower case. */
export function valueOf(headers: RawHeaders, name: string): string | undefined {
  for (const [key, value] of each(headers)) if (key.toLowerCase() === name) return value;
  return undefined;
}

/** The headers but for those of these names. */
export function without(headers: RawHeaders, ...names: readonly string[]): string[] {
  return [...each(headers)].filter(([name]) => !names.includes(name.toLowerCase())).flat();
}

/** What goes on to the next connection: not what is about this one, by its name or because `Connection` names it. */
export function endToEnd(headers: RawHeaders): string[] {
  const named = new Set<string>();
  for (const [name, value] of each(headers))
    if (name.toLowerCase() === 'connection')
      for (const option of value.split(',')) named.add(option.trim().toLowerCase());
  return [...each(headers)]
    .filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && !named.has(name.toLowerCase()))
    .flat();
}

/** What a gateway says of itself in each request (RFC 9110, section 7.6.3). */
export function via(headers: RawHeaders, httpVersion: string): string[] {
  const before = [...each(headers)].filter(([name]) => name.toLowerCase() === 'via');
  const all = [...before.map(([, value]) => value), `${httpVersion} ${PACKAGE_NAME}`];
  return [...without(headers, 'via'), 'Via', all.join(', ')];
}

/** A response's headers with the addresses of one origin as those of another: where it redirects to, and where it describes itself. */
export function readdressed(headers: RawHeaders, from: string, to: string): string[] {
  return [...each(headers)]
    .map(([name, value]): readonly [string, string] => {
      const key = name.toLowerCase();
      if (key === 'location') return [name, atOrigin(value, from, to)];
      if (key !== 'www-authenticate') return [name, value];
      return [
        name,
        value.replace(
          RESOURCE_METADATA,
          (_, start: string, quoted: string, bare: string) =>
            start + (bare === undefined ? `"${atOrigin(quoted, from, to)}"` : atOrigin(bare, from, to)),
        ),
      ];
    })
    .flat();
}

/** Where a resource describes how it is protected, as a challenge of this origin says: the paths. */
export function metadataPaths(headers: RawHeaders, origin: string): string[] {
  return [...each(headers)].flatMap(([name, value]) => {
    if (name.toLowerCase() !== 'www-authenticate') return [];
    const named = [...value.matchAll(RESOURCE_METADATA)].map(([, , quoted, bare]) => quoted ?? bare ?? '');
    const urls = named.filter((url) => URL.canParse(url)).map((url) => new URL(url));
    return urls.filter((url) => url.origin === origin).map(({ pathname }) => pathname);
  });
}

/** The metadata of a protected resource (RFC 9728) with its identifier at another origin; anything else as it is. */
export function readdressedResource(metadata: Buffer, from: string, to: string): Buffer {
  if (Envelope.open(metadata) === undefined) return metadata;
  const text = metadata.toString();
  const place = memberOf(text, valueIn(text), 'resource');
  const resource: unknown = place && JSON.parse(text.slice(place.start, place.end));
  if (place === undefined || typeof resource !== 'string') return metadata;
  const own = JSON.stringify(atOrigin(resource, from, to));
  return Buffer.from(text.slice(0, place.start) + own + text.slice(place.end));
}

/** RFC 9728, section 5.1: where a resource describes how it is protected. */
const RESOURCE_METADATA = /(\bresource_metadata\s*=\s*)(?:"([^"]*)"|([^\s,"]+))/gi;

/** A URL of one origin, at another; any other text as it is. */
export function atOrigin(url: string, from: string, to: string): string {
  if (!URL.canParse(url) || new URL(url).origin !== from) return url;
  const rest = /^[^:]+:\/\/[^/?#]*(.*)$/s.exec(url)?.[1] ?? '';
  return to + rest;
}

/** The names by which a machine calls itself. */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a host is this machine by its own name. */
function isLoopback(hostname: string): boolean {
  return LOOPBACK.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname) || hostname.endsWith('.localhost');
}

/** Whom a relay answers. */
export interface Welcome {
  /** Names beside the loopback's by which it may be called, without a port. */
  readonly hosts: readonly string[];
  /** Origins of web pages beside those of this machine, e.g. `https://inspector.example.com`. */
  readonly origins: readonly string[];
}

/**
 * Why a request is not for us. A page of any site can have its name point to 127.0.0.1 and then send requests to a server there
 * (DNS rebinding): they carry its name in `Host`, and its origin.
 *
 * @returns undefined where nothing speaks against it.
 */
export function strangeness(headers: RawHeaders, { hosts, origins }: Welcome): string | undefined {
  const named = [...each(headers)].filter(([name]) => name.toLowerCase() === 'host');
  const host = named[0]?.[1] ?? '';
  const hostname = hostnameOf(`http://${host}`);
  if (named.length !== 1 || hostname === undefined) return 'Invalid Host header';
  if (!isLoopback(hostname) && !hosts.includes(hostname)) return `Invalid Host header: ${hostname}`;
  for (const [name, origin] of each(headers)) {
    if (name.toLowerCase() !== 'origin' || origins.includes(origin)) continue;
    const from = hostnameOf(origin);
    if (from === undefined || !(isLoopback(from) || from === hostname))
      return `Invalid Origin header: ${origin}`;
  }
  return undefined;
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Where a request that needs no handshake says its revision of the protocol. */
const REVISION = 'io.modelcontextprotocol/protocolVersion';

/** What `Mcp-Name` repeats, by method (revision 2026-07-28, transports: standard request headers). */
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/**
 * What HTTP says of a message beside its body. Since revision 2026-07-28 each request names its revision, and its headers repeat that,
 * its method and what it is about; a request of before has the revision that the handshake has agreed on.
 */
export function messageHeaders(message: object | undefined, agreed: string | undefined): string[] {
  const params = peek(message, 'params');
  const revision = peekText(peek(params, '_meta'), REVISION);
  if (revision === undefined) return agreed === undefined ? [] : ['MCP-Protocol-Version', agreed];
  const method = peekText(message, 'method') ?? '';
  const field = Object.hasOwn(NAMED, method) ? NAMED[method] : undefined;
  const name = field === undefined ? undefined : peek(params, field);
  return [
    ...['MCP-Protocol-Version', fieldValue(revision), 'Mcp-Method', fieldValue(method)],
    ...(typeof name === 'string' ? ['Mcp-Name', fieldValue(name)] : []),
  ];
}

const PLAIN = /^(?! )[\x20-\x7e]+(?<! )$/;

/** A text as it may stand in a header: what may not is in base64, as that revision spells it. */
function fieldValue(text: string): string {
  const isPlain = PLAIN.test(text) && !(text.startsWith('=?base64?') && text.endsWith('?='));
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
