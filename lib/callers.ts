import { BlockList, isIP } from 'node:net';
import { ConfigError } from './errors.js';

/** Headers in which proxies say for whom they forward a request. */
export type ForwardingHeader = 'x-forwarded-for' | 'forwarded';

/**
 * What goes on record of who calls a server.
 *
 * @see docs/callers.md
 */
export interface CallerOptions {
  /**
   * Headers of HTTP requests to a server whose values go on record as `mcp.http_headers`, redacted. Headers that hold credentials
   * (`authorization`, `cookie`, …) are refused.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_RECORD_HEADERS
   */
  readonly recordHeaders?: readonly string[];
  /**
   * Proxies before a server, whose word on the address of the client counts: IP addresses, ranges such as `10.0.0.0/8`, and `loopback`,
   * `linklocal` or `uniquelocal`.
   * @defaultValue none, and then the other end of the socket is the client
   * @variable OTEL_MCP_LOG_TRUSTED_PROXIES
   */
  readonly trustedProxies?: readonly string[];
  /**
   * The header in which these proxies say for whom they forward a request. A client can send the other one itself.
   * @defaultValue `x-forwarded-for`
   * @variable OTEL_MCP_LOG_FORWARDING_HEADER
   */
  readonly forwardingHeader?: ForwardingHeader;
}

/** Headers that give access, or that are on record in another form. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'mcp-session-id',
  'proxy-authorization',
]);

/**
 * The names of headers that may go on record, in lower case.
 *
 * @throws ConfigError for what is no name of a header, or one of a header that gives access.
 */
export function resolveHeaders(given: readonly string[]): readonly string[] {
  return given.map((each, index) => {
    const name = each.toLowerCase();
    // RFC 9110, section 5.6.2: a token.
    if (!/^[!#$%&'*+.^_`|~\da-z-]+$/.test(name) || CREDENTIALS.has(name))
      throw new ConfigError(
        `recordHeaders[${index}]`,
        CREDENTIALS.has(name)
          ? `${name} gives access to the server, and is never on record`
          : 'expected the name of a header',
      );
    return name;
  });
}

/** Names for ranges, as Express has them for `trust proxy`. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** So many entries of a header are looked at. A chain of proxies is shorter, and anybody may send a longer one. */
const MOST_ENTRIES = 50;

/** Proxies whose word on a client's address counts. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /** @throws ConfigError for what is neither an address, nor a range, nor one of the names. */
  constructor(option: string, given: readonly string[]) {
    given.forEach((each, index) => {
      for (const range of NAMED[each] ?? [each]) this.#add(`${option}[${index}]`, range);
    });
  }

  #add(option: string, range: string): void {
    const [address = '', length, ...others] = range.split('/');
    const family = isIP(address);
    const bits = length === undefined || /^\d{1,3}$/.test(length) ? Number(length ?? '0') : NaN;
    const isWhole = family !== 0 && !address.includes('%') && others.length === 0;
    if (!isWhole || !(bits <= (family === 4 ? 32 : 128)))
      throw new ConfigError(
        option,
        `expected an IP address, a range such as 10.0.0.0/8, or one of ${Object.keys(NAMED).join(', ')}`,
      );
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (length === undefined) this.#list.addAddress(address, type);
    else this.#list.addSubnet(address, bits, type);
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/**
 * The address of the client behind proxies: the last entry of the header that no trusted proxy has, read from the end, where the nearest
 * proxy adds its own. What stands before it may be made up by the client. Where the peer is no trusted proxy, it is the client.
 *
 * @param peer the address at the other end of the socket.
 * @param header the value of the header, where there is one.
 */
export function clientAddress(
  peer: string,
  header: string | undefined,
  kind: ForwardingHeader,
  proxies: TrustedProxies,
): string {
  let client = plainAddress(peer);
  if (header === undefined) return client;
  const entries = header.split(',').slice(-MOST_ENTRIES).reverse();
  for (const entry of entries) {
    if (!proxies.has(client)) return client;
    const named = kind === 'forwarded' ? forwardedFor(entry) : entry.trim();
    const address = named === undefined ? undefined : addressIn(named);
    // Something that is no address (`unknown`, `_hidden`) hides who was there, and nothing before it can be relied on.
    if (address === undefined) return client;
    client = address;
  }
  return client;
}

/** RFC 7239, section 4: the parameter `for` of one element. */
function forwardedFor(element: string): string | undefined {
  for (const pair of element.split(';')) {
    const found = /^\s*for\s*=\s*(?:"([^"]*)"|([^\s"]+))\s*$/i.exec(pair);
    if (found !== null) return found[1] ?? found[2];
  }
  return undefined;
}

/** RFC 7239, section 6: an address, an IPv6 one in brackets, either with or without a port. */
function addressIn(node: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\w+)?$/.exec(node)?.[1];
  const withPort = /^([\d.]+):\w+$/.exec(node)?.[1];
  const address = bracketed ?? withPort ?? node;
  return isIP(address) === 0 ? undefined : plainAddress(address);
}

/** An IPv4 address without the form that a socket for both families gives it (RFC 4291, section 2.5.5.2). */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
