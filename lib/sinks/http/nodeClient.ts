import type { Agent, AgentOptions, request } from 'node:http';
import { agentsKnowProxies, loadProxyAgent } from './proxy.js';

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
export async function loadClient(secure: boolean, proxy?: URL): Promise<Client> {
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
