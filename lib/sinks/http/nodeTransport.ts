import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  Agent,
  AgentOptions,
  request,
} from 'node:http';
import { ConfigError } from '../../errors.js';
import { requirePeer, resolvePeer } from '../../internal/runtime.js';
import { after, deadlineSignal } from '../../internal/duration.js';
import { requireText } from '../../internal/options.js';
import { quietly } from '../sink.js';
import {
  faultCode,
  UNPACKED,
  type HttpAnswer,
  type HttpOutcome,
  type HttpRequest,
  type HttpTransport,
  type TransportOptions,
} from './transport.js';

/**
 * How long to wait for the end of a body that nobody reads, in milliseconds. A body that ends in this time leaves a connection
 * that can be used again; the status is the answer in any case.
 */
const BODY_GRACE_MS = 1_000;

/** A receiver that sends more provisional answers (such as 103 Early Hints) than this to one request attacks or is broken. */
const MAX_PROVISIONAL = 64;

/** The errors of a kept connection that the receiver has closed meanwhile. */
const STALE: readonly string[] = ['ECONNRESET', 'EPIPE'];

/**
 * Sends with Node's own HTTP client, over connections that are kept. For a large body it costs a fifth of what `fetch` costs
 * (`npm run bench -- --only http`). It does not follow redirects or decompress by itself.
 */
export class NodeTransport implements HttpTransport {
  readonly #options: TransportOptions;
  readonly #load: () => Promise<Client>;
  #client: Promise<Client> | undefined;

  /** @param proxy - the proxy to use. Default: that of the environment, where Node is told to use it. */
  constructor(endpoint: URL, options: TransportOptions, proxy?: URL) {
    this.#options = options;
    this.#load = () => loadClient(endpoint.protocol === 'https:', proxy);
  }

  async post(request: HttpRequest, timeoutMs: number): Promise<HttpOutcome> {
    try {
      const client = await (this.#client ??= this.#load());
      const signal = deadlineSignal(timeoutMs);
      const first = await this.#send(client, request, signal);
      if (first !== 'stale') return first;
      // A receiver may close a kept connection at the moment when it is used again, so one retry is made at once. The other kept
      // connections may be as old, and are closed.
      client.agent.destroy();
      const second = await this.#send(client, request, signal);
      return second === 'stale' ? { fault: 'ECONNRESET' } : second;
    } catch (error) {
      return { fault: faultCode(error) };
    }
  }

  close(): void {
    void this.#client?.then(
      ({ agent }) => agent.destroy(),
      () => undefined,
    );
  }

  #send(client: Client, request: HttpRequest, signal: AbortSignal): Promise<HttpOutcome | 'stale'> {
    return new Promise((resolve, reject) => {
      const sent = quietly(() => start(client, request, signal));
      let provisional = 0;
      let answered = false;
      sent.on('information', () => {
        if (++provisional > MAX_PROVISIONAL) sent.destroy(coded('TOO_MANY_PROVISIONAL'));
      });
      // The receiver switches protocols unasked. Without this listener, neither a response nor an error would follow.
      sent.on('upgrade', ({ statusCode: status = 101, headers }, socket) => {
        socket.destroy();
        resolve({ status, headers: flat(headers), body: new Uint8Array(), complete: true });
      });
      sent.on('response', (response) => {
        answered = true;
        this.#receive(response, resolve);
      });
      sent.on('error', (error) => {
        // An error after the response is one of its body, and the response emits it too.
        if (answered) return;
        const code = faultCode(error);
        resolve(sent.reusedSocket && STALE.includes(code) ? 'stale' : { fault: code });
      });
      // For a connection that closes without a response or an error. It changes nothing where the promise is settled.
      sent.on('close', () => answered || resolve({ fault: 'ECONNRESET' }));
      try {
        sent.end(request.body);
      } catch (error) {
        reject(error as Error);
      }
    });
  }

  /**
   * The status is the answer, even if the body breaks off, does not end or is too large. Where the body is kept, the answer has as
   * much of it as came.
   */
  #receive(response: IncomingMessage, resolve: (answer: HttpAnswer | Promise<HttpAnswer>) => void): void {
    const { maxResponseBytes, keepBody } = this.#options;
    const { statusCode: status = 0, headers } = response;
    const chunks: Buffer[] = [];
    let read = 0;
    let complete = false;
    const grace = keepBody ? undefined : after(BODY_GRACE_MS, () => response.destroy());
    response.on('data', (chunk: Buffer) => {
      const room = maxResponseBytes - read;
      if (keepBody && room > 0) chunks.push(chunk.subarray(0, room));
      read += chunk.byteLength;
      if (read > maxResponseBytes) response.destroy();
    });
    response.on('end', () => (complete = true));
    response.on('error', () => undefined);
    response.on('close', () => {
      clearTimeout(grace);
      const answer = { status, headers: flat(headers), body: Buffer.concat(chunks), complete };
      resolve(keepBody ? unpacked(answer, maxResponseBytes) : answer);
    });
  }
}

function start(
  { request, agent }: Client,
  { url, headers, body }: HttpRequest,
  signal: AbortSignal,
): ClientRequest {
  const sent = { ...UNPACKED, ...headers, 'content-length': body.byteLength };
  return request(url, { method: 'POST', agent, signal, headers: sent });
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, [value].flat().join(', ')]));
}

/** Decompresses a body: some receivers compress although asked not to. A body that would become too large counts as incomplete. */
async function unpacked(answer: HttpAnswer, maxOutputLength: number): Promise<HttpAnswer> {
  const encoding = answer.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (answer.body.byteLength === 0 || encoding === 'identity') return answer;
  const { brotliDecompress, unzip } = await import('node:zlib');
  const bounds = { maxOutputLength: Math.max(1, maxOutputLength) };
  return new Promise((resolve) => {
    const done = (error: Error | null, body: Buffer) =>
      resolve(error === null ? { ...answer, body } : { ...answer, body: new Uint8Array(), complete: false });
    if (encoding === 'br') brotliDecompress(answer.body, bounds, done);
    else unzip(answer.body, bounds, done);
  });
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Node's client for `http` or `https`, with its kept connections. */
export interface Client {
  readonly request: typeof request;
  readonly agent: Agent;
}

/** Node's agents support proxies from 22.21 and 24.5 on; the types that we build with are older. */
interface ProxyAgentOptions extends AgentOptions {
  proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Loads one of Node's clients, with an agent that keeps connections. Loading takes 5 ms, so it waits until the first request.
 *
 * @param proxy - the proxy to use. Default: that of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`), where this Node
 * is told to use it (`NODE_USE_ENV_PROXY` or `--use-env-proxy`).
 * @param more - further options of the agent.
 */
export async function loadClient(secure: boolean, proxy?: URL, more: AgentOptions = {}): Promise<Client> {
  const { Agent, globalAgent, request } = secure ? await import('node:https') : await import('node:http');
  const { options } = globalAgent as { options: ProxyAgentOptions };
  if (proxy !== undefined && !agentsKnowProxies())
    return { request, agent: new (loadProxyAgent())(proxy, { keepAlive: true }) as Agent };
  const own = proxy && { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href };
  const proxyEnv = own ?? (options.proxyEnv && asFetchReads(options.proxyEnv));
  const settings: ProxyAgentOptions = {
    keepAlive: true,
    ...more,
    ...(proxyEnv !== undefined && { proxyEnv }),
  };
  return { request, agent: new Agent(settings) };
}

/**
 * The variables as `fetch` reads them (`EnvHttpProxyAgent` of undici): names in lower case override, and the proxy of http also
 * serves https where https has none. Node's agents by themselves would then use no proxy for https.
 */
function asFetchReads(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const http = env['http_proxy'] ?? env['HTTP_PROXY'] ?? '';
  return {
    HTTP_PROXY: http,
    HTTPS_PROXY: (env['https_proxy'] ?? env['HTTPS_PROXY']) || http,
    NO_PROXY: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  };
}

/** The package for proxies where Node's own agents do not support them. The application installs it if it needs it. */
const PROXY_AGENT = 'https-proxy-agent';

/** Whether Node's own agents support proxies: they do from 22.21 and 24.5 on, the versions that added the flag. */
export function agentsKnowProxies(): boolean {
  return process.allowedNodeEnvironmentFlags.has('--use-env-proxy');
}

/**
 * Checks the address of a proxy.
 *
 * @throws ConfigError for what is not such an address. It does not quote the value, which may hold a password.
 */
export function requireProxy(option: string, value: unknown): URL | undefined {
  if (value === undefined) return undefined;
  const text = value instanceof URL ? value.href : requireText(option, value, 'a URL');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    throw new ConfigError(option, 'expected the http or https URL of a proxy');
  if (!agentsKnowProxies() && !isInstalled())
    throw new ConfigError(
      option,
      `needs Node 22.21, 24.5 or later; on this one, install ${PROXY_AGENT} in the application, or give a fetch`,
    );
  return url;
}

/**
 * Whether the environment names proxies that this Node uses in `fetch` only, as 24.0 to 24.4 do. A sink then sends with `fetch`
 * too.
 */
export function fetchAloneGoesThroughProxies(): boolean {
  if (process.env['NODE_USE_ENV_PROXY'] !== '1') return false;
  return Number(process.versions.node.split('.')[0]) >= 24 && !agentsKnowProxies();
}

function isInstalled(): boolean {
  try {
    resolvePeer(PROXY_AGENT);
    return true;
  } catch {
    return false;
  }
}

/** The part of that package's class that is used here. */
type ProxyAgentClass = new (proxy: URL, options: { keepAlive: boolean }) => object;

/** Loads the class from the application, which has installed it. */
function loadProxyAgent(): ProxyAgentClass {
  return (requirePeer(PROXY_AGENT) as { HttpsProxyAgent: ProxyAgentClass }).HttpsProxyAgent;
}
