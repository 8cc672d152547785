import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors, Provider, type Adapter, type AdapterPayload } from 'oidc-provider';

/** A real OAuth 2.0 authorization server on loopback that issues tokens for client credentials. */
export interface OAuthServer {
  issuer: string;
  tokenEndpoint: string;
  /** Where it says whose a token is (RFC 7662). */
  introspectionEndpoint: string;
  /** How often it was asked that. */
  introspections(): number;
  clientId: string;
  clientSecret: string;
  /** Tokens issued so far, in order. */
  issued: string[];
  /** The bodies of the token requests, in order. */
  requests: URLSearchParams[];
  /** Whether a token was issued here and has not expired, for the scope that the ingest asks for. */
  accepts(token: string): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Starts one; its tokens live `lifetimeS` seconds.
 *
 * @param resources The protected resources that it knows (RFC 8707). Tokens for them are JWTs, and it issues none for others.
 */
export async function startOAuthServer(lifetimeS = 3600, resources: string[] = []): Promise<OAuthServer> {
  const clientId = 'audit-client';
  const clientSecret = 'a secret of the test';
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    adapter: memoryAdapter(),
    jwks: {
      keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })],
    },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        token_endpoint_auth_method: resources.length > 0 ? 'client_secret_basic' : 'client_secret_post',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, audience) => {
          if (!resources.includes(audience)) throw new errors.InvalidTarget();
          return { audience, scope: 'fieldnotes.ingest', accessTokenFormat: 'jwt' };
        },
      },
    },
    scopes: ['fieldnotes.ingest'],
    ttl: { ClientCredentials: lifetimeS },
  });
  const issued: string[] = [];
  const requests: URLSearchParams[] = [];
  provider.on('grant.success', ({ body, oidc }) => {
    issued.push(String((body as { access_token: unknown }).access_token));
    requests.push(new URLSearchParams(oidc.body as Record<string, string>));
  });
  provider.on('grant.error', ({ oidc }) => {
    requests.push(new URLSearchParams((oidc.body ?? {}) as Record<string, string>));
  });
  let introspections = 0;
  server.on('request', ({ url }) => {
    if (url === '/token/introspection') introspections++;
  });
  server.on('request', provider.callback());
  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    introspectionEndpoint: `${issuer}/token/introspection`,
    introspections: () => introspections,
    clientId,
    clientSecret,
    issued,
    requests,
    accepts: async (token) => {
      const found = await provider.ClientCredentials.find(token);
      return found !== undefined && !found.isExpired && found.scope === 'fieldnotes.ingest';
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where the server keeps its tokens; its own store in memory warns on every start that it is none. */
function memoryAdapter(): (name: string) => Adapter {
  const kept = new Map<string, AdapterPayload>();
  const nothing = async (): Promise<undefined> => undefined;
  return (name) => ({
    upsert: async (id, payload) => void kept.set(`${name}:${id}`, payload),
    find: async (id) => kept.get(`${name}:${id}`),
    destroy: async (id) => void kept.delete(`${name}:${id}`),
    findByUserCode: nothing,
    findByUid: nothing,
    consume: nothing,
    revokeByGrantId: nothing,
  });
}
