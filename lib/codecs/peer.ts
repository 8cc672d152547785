import type { McpDetail } from '../schema/record.js';

/** The other end of a connection, by host, address and port. */
export interface Peer {
  /** The host that was dialled, as the URL names it. */
  readonly host?: string | undefined;
  /** Its network address, or that of the proxy in between, where the socket showed it. */
  readonly ip?: string | undefined;
  /** The port of that address, else the one that was dialled. */
  readonly port?: number | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'ws:': 80,
  'wss:': 443,
};

/** Who was at the other end; nothing where the server is a process of its own, reached by no network. */
export function peerOf(mcp: McpDetail | undefined): Peer | undefined {
  // The other end of a server is its client.
  if (mcp === undefined || mcp.side === 'server') return undefined;
  const { server_address: address = '', peer_address: ip, peer_port } = mcp;
  const url = /^(?:https?|wss?):\/\//.test(address) && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined && ip === undefined) return undefined;
  const dialled = url && (url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port));
  // An IPv6 host stands in brackets in a URL.
  return { host: url?.hostname.replace(/^\[|\]$/g, ''), ip, port: peer_port ?? dialled };
}

/** The client of a server, on the server's records: by its address, and the proxies between that the server knows of. */
export interface ClientEnd {
  readonly ip: string;
  /** Known where there is no proxy. */
  readonly port?: number | undefined;
  readonly proxy?: string | undefined;
}

/** Who asked a server; undefined on records of clients, and where no network is between. */
export function clientOf(mcp: McpDetail | undefined): ClientEnd | undefined {
  const { client_address: ip, peer_address: peer, peer_port: port } = mcp ?? {};
  if (ip === undefined) return undefined;
  return ip === peer ? { ip, port } : { ip, proxy: peer };
}
