// What Field Notes is made of, on loopback: a real OAuth 2.0 authorization server, and an ingest that asks for its tokens.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const CLIENT = { id: 'audit-client', secret: 'a secret of this example' };

/** Starts both; `received` counts the bytes of each event. */
export async function startServices() {
  const auth = await listen();
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const provider = new Provider(auth.url, {
    jwks: { keys: [privateKey.export({ format: 'jwk' })] },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    scopes: ['fieldnotes.ingest'],
    ttl: { ClientCredentials: 3600 },
  });
  auth.server.on('request', provider.callback());

  const received = [];
  const ingest = await listen(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    const known = await provider.ClientCredentials.find(token);
    if (known?.scope === 'fieldnotes.ingest') received.push(body.length);
    response.writeHead(known === undefined ? 401 : 202).end();
  });

  return {
    received,
    options: {
      endpoint: `${ingest.url}/v1/events`,
      tokenEndpoint: `${auth.url}/token`,
      clientId: CLIENT.id,
      clientSecret: CLIENT.secret,
    },
    stop: () => [auth, ingest].forEach(({ server }) => server.close().closeAllConnections()),
  };
}

async function listen(handler) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}
