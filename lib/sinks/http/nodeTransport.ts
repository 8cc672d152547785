import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  Agent,
  AgentOptions,
  request,
} from 'node:http';
import { after, deadlineSignal } from '../../internal/duration.js';
import { quietly } from '../emit.js';
import {
  faultCode,
  UNPACKED,
  type HttpAnswer,
  type HttpOutcome,
  type HttpRequest,
  type HttpTransport,
  type TransportOptions,
} from './transport.js';
import { applicationRequire } from '../../internal/application.js';
import { ConfigError } from '../../errors.js';
import { requireText } from '../../internal/validate.js';

/**
 * How long the end of a body is waited for that nobody reads, in milliseconds: what ends by then leaves a connection that can
 * be used again. The status has been the answer all along.
 */
const BODY_GRACE_MS = 1_000;

/** More provisional answers (103 Early Hints and the like) than this to one request are an attack or a defect. */
const MAX_PROVISIONAL = 64;

/** What a kept connection says when the receiver has closed it in the meantime. */
const STALE: readonly string[] = ['ECONNRESET', 'EPIPE'];

/**
 * Sends with Node's own HTTP client, over connections that are kept. It costs a fifth of what `fetch` does for a large body
 * (`npm run bench -- --only http`), and follows and unpacks nothing by itself.
 */
export class NodeTransport implements HttpTransport {
  readonly #options: TransportOptions;
  readonly #load: () => Promise<Client>;
  #client: Promise<Client> | undefined;

  /** @param proxy - the proxy to use. Default: the one that the environment names to Node, where it does. */
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
      // A receiver may close a kept connection just when it is used again: that is no failure of its. Others may be as old.
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
      // Nobody asked to speak another protocol. Without this listener, neither a response nor an error would follow.
      sent.on('upgrade', ({ statusCode: status = 101, headers }, socket) => {
        socket.destroy();
        resolve({ status, headers: flat(headers), body: new Uint8Array(), complete: true });
      });
      sent.on('response', (response) => {
        answered = true;
        this.#receive(response, resolve);
      });
      sent.on('error', (error) => {
        // After a response, an error is one of its body, which the reader hears of too.
        if (answered) return;
        const code = faultCode(error);
        resolve(sent.reusedSocket && STALE.includes(code) ? 'stale' : { fault: code });
      });
      // Should there be neither: what is settled already stays as it is.
      sent.on('close', () => answered || resolve({ fault: 'ECONNRESET' }));
      try {
        sent.end(request.body);
      } catch (error) {
        reject(error as Error);
      }
    });
  }

  /**
   * The status is the answer: a body that breaks off, does not end or is too large changes nothing about it. Where the body is
   * wanted, what there is of it goes along.
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

/** Some receivers pack what they were asked not to. What would unpack to more than may be read is as good as cut off. */
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

/** One of Node's two clients, and its kept connections. */
export interface Client {
  readonly request: typeof request;
  readonly agent: Agent;
}

/** Node's agents know proxies from 22.21 and 24.5 on. The types are of an older line. */
interface ProxyAgentOptions extends AgentOptions {
  proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Loads one of Node's clients, when it is first needed (5 ms), with an agent that keeps connections.
 *
 * @param proxy - the proxy to go through. Default: what the environment says to the rest of the program, as far as this Node
 * heeds it (`NODE_USE_ENV_PROXY` or `--use-env-proxy`, `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`).
 */
async function loadClient(secure: boolean, proxy?: URL): Promise<Client> {
  const { Agent, globalAgent, request } = secure ? await import('node:https') : await import('node:http');
  const { options } = globalAgent as { options: ProxyAgentOptions };
  if (proxy !== undefined && !agentsKnowProxies())
    return { request, agent: new (loadProxyAgent())(proxy, { keepAlive: true }) as Agent };
  const own = proxy && { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href };
  const proxyEnv = own ?? (options.proxyEnv && asFetchReads(options.proxyEnv));
  const settings: ProxyAgentOptions = { keepAlive: true, ...(proxyEnv !== undefined && { proxyEnv }) };
  return { request, agent: new Agent(settings) };
}

/**
 * The variables as `fetch` reads them (undici, `EnvHttpProxyAgent`): small letters go first, and where https has no proxy, that
 * of http serves for both. Node's agents would then go straight to the receiver.
 */
function asFetchReads(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const http = env['http_proxy'] ?? env['HTTP_PROXY'] ?? '';
  return {
    HTTP_PROXY: http,
    HTTPS_PROXY: (env['https_proxy'] ?? env['HTTPS_PROXY']) || http,
    NO_PROXY: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  };
}

/** What makes connections through a proxy where Node's own agents cannot; the application installs it where it needs it. */
const PROXY_AGENT = 'https-proxy-agent';

/** Whether Node's own agents know proxies: from 22.21 and 24.5 on, which brought the flag too. */
export function agentsKnowProxies(): boolean {
  return process.allowedNodeEnvironmentFlags.has('--use-env-proxy');
}

/**
 * The address of a proxy.
 *
 * @throws ConfigError for what is none, without quoting it: it may hold a password.
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
 * Whether the environment asks for its proxies, and this Node heeds that in `fetch` alone, as 24.0 to 24.4 do: then a sink
 * goes that way too.
 */
export function fetchAloneGoesThroughProxies(): boolean {
  if (process.env['NODE_USE_ENV_PROXY'] !== '1') return false;
  return Number(process.versions.node.split('.')[0]) >= 24 && !agentsKnowProxies();
}

function isInstalled(): boolean {
  try {
    applicationRequire().resolve(PROXY_AGENT);
    return true;
  } catch {
    return false;
  }
}

/** The package's class, as far as it is used here. */
type ProxyAgentClass = new (proxy: URL, options: { keepAlive: boolean }) => object;

/** Loads it from the application, whose package it is. */
function loadProxyAgent(): ProxyAgentClass {
  return (applicationRequire()(PROXY_AGENT) as { HttpsProxyAgent: ProxyAgentClass }).HttpsProxyAgent;
}
