import { types } from 'node:util';
import { peek } from './client.js';

/**
 * The object that stands for a client, whichever stand-in a call came through. Frameworks put a Proxy around a client, or make
 * an object that inherits from it, and then call both: each must find what is kept of the one client behind them. The SDK makes
 * one map of request handlers per client and never replaces it, and every stand-in that lets calls through shows that map.
 */
export function identityOf(client: object): object {
  const handlers = peek(client, '_requestHandlers');
  return handlers instanceof Map && !types.isProxy(handlers) ? handlers : client;
}

/** Whether this is a Proxy that does not show which client is behind it. */
export function hidesItsClient(client: object): boolean {
  return types.isProxy(client) && identityOf(client) === client;
}
