// A real OAuth 2.0 authorization server (oidc-provider), which gives the agent its token and tells the shop whose it is.
import { createServer } from 'node:http';
import { once } from 'node:events';
import Provider from 'oidc-provider';

/** Starts it on a free port of this machine. */
export async function startAuthorization(client) {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const [client_id, client_secret] = client.split(':');
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id,
        client_secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      devInteractions: { enabled: false },
    },
  });
  server.on('request', provider.callback());
  return { issuer, close: () => server.close() };
}

/** A token for the client, by the grant of client credentials. */
export async function tokenOf(issuer, client) {
  const headers = { authorization: `Basic ${Buffer.from(client).toString('base64')}` };
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  const answer = await fetch(`${issuer}/token`, { method: 'POST', headers, body });
  return (await answer.json()).access_token;
}
