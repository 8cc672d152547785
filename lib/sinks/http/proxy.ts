import { applicationRequire } from '../../internal/application.js';
import { ConfigError } from '../../errors.js';
import { requireText } from '../../internal/validate.js';

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
export function loadProxyAgent(): ProxyAgentClass {
  return (applicationRequire()(PROXY_AGENT) as { HttpsProxyAgent: ProxyAgentClass }).HttpsProxyAgent;
}
