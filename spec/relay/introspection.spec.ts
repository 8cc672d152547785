import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { authorizationOf, noteClaims, noteToken } from '../../lib/capture/transport.js';
import { Introspection } from '../../lib/relay/callers.js';
import { startOAuthServer, type OAuthServer } from '../support/oauthServer.js';
import { freePort } from '../support/freePort.js';
import { startProxy, type RelayOptions } from './overHttp.js';
import { json, result, rpc, send, startRaw } from './rawHttpServer.js';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token that nobody has issued. */
const FORGED = `${part({ alg: 'RS256' })}.${part({ sub: 'ada', iss: 'https://login.example' })}.c2ln`;

describe('a relay that asks the authorization server whose a token is', () => {
  let oauth: OAuthServer;
  let server: Awaited<ReturnType<typeof startRaw>>;
  let relay: Awaited<ReturnType<typeof startProxy>>;
  before(async () => {
    // Its clients authenticate by HTTP Basic where it knows a resource.
    oauth = await startOAuthServer(3600, ['https://api.example']);
    server = await startRaw((_, response) => json(response, result(1, { tools: [] })));
  });
  after(async () => {
    await oauth.close();
    await server.close();
  });
  afterEach(() => relay.close());

  const start = async ({ endpoint = oauth.introspectionEndpoint, isRequired = false } = {}) => {
    const { clientId, clientSecret } = oauth;
    const introspection = new Introspection({
      endpoint: new URL(endpoint),
      clientId,
      clientSecret,
      isRequired,
    });
    const options: RelayOptions = { introspection, requireActor: isRequired };
    relay = await startProxy(server.url, options);
  };
  const newToken = async (): Promise<string> => {
    const { clientId, clientSecret } = oauth;
    const authorization = `Basic ${Buffer.from(`${clientId}:${encodeURIComponent(clientSecret)}`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'fieldnotes.ingest' });
    const response = await fetch(oauth.tokenEndpoint, { method: 'POST', headers: { authorization }, body });
    return ((await response.json()) as { access_token: string }).access_token;
  };
  const ask = async (token: string): Promise<{ error?: { code: number; data: object } }> => {
    const headers = { authorization: `Bearer ${token}` };
    const { body } = await send(relay.url, { body: rpc(1, 'tools/list'), headers });
    return JSON.parse(body.toString()) as object;
  };

  it('names the caller of an opaque token, verified, and asks once about it', async () => {
    await start();
    const token = await newToken();
    const before = oauth.introspections();
    await Promise.all([ask(token), ask(token)]);
    await ask(token);
    expect(oauth.introspections() - before).to.equal(1);
    for (const record of relay.sink.of('tools/list')) {
      expect(record).to.include({ actor_id: oauth.clientId, actor_type: 'service' });
      expect(record.mcp!.oauth).to.deep.equal({
        issuer: oauth.issuer,
        client_id: oauth.clientId,
        scopes: ['fieldnotes.ingest'],
        subject: oauth.clientId,
        subject_identity: 'verified',
      });
      expect(record.actor_chain).to.have.nested.property('[0].identity', 'verified');
    }
    const kept = JSON.stringify(relay.sink.records);
    for (const secret of [token, oauth.clientSecret]) expect(kept).not.to.include(secret);
  });

  it('lets a token pass that is not active, and says that nobody has verified it', async () => {
    await start();
    expect(await ask(FORGED)).to.deep.equal({ jsonrpc: '2.0', id: 1, result: { tools: [] } });
    const [record] = relay.sink.of('tools/list');
    expect(record).to.include({ actor_id: 'ada' });
    expect(record!.mcp!.oauth).to.include({ subject: 'ada', subject_identity: 'self-reported' });
  });

  it('refuses such a token where an actor is required', async () => {
    await start({ isRequired: true });
    const before = server.got.length;
    const { error } = await ask(FORGED);
    expect(error).to.deep.include({ code: -32010 });
    expect(error!.data).to.include({ reason: 'actor_required' });
    expect(server.got).to.have.length(before);
    expect(await ask(await newToken())).to.have.property('result');
  });

  it('goes on where the authorization server is down', async () => {
    await start({ endpoint: `http://127.0.0.1:${await freePort()}/introspect` });
    expect(await ask(await newToken())).to.have.property('result');
    expect(await ask(FORGED)).to.have.property('result');
    const [opaque, claimed] = relay.sink.of('tools/list');
    expect(opaque!.actor_id).to.equal(opaque!.session_id);
    expect(claimed!.mcp!.oauth).to.include({ subject_identity: 'self-reported' });
  });

  it('goes on where it is not let in there', async () => {
    const introspection = new Introspection({
      ...{ endpoint: new URL(oauth.introspectionEndpoint), clientId: oauth.clientId },
      ...{ clientSecret: 'wrong', isRequired: false },
    });
    relay = await startProxy(server.url, { introspection });
    const token = await newToken();
    expect(await ask(token)).to.have.property('result');
    expect(relay.sink.only('tools/list').mcp!.oauth).to.equal(undefined);
  });

  it('asks about no more tokens than its bound, however many are invented, and goes on verifying', async () => {
    await start();
    const good = await newToken();
    await ask(good);
    const before = oauth.introspections();
    const began = performance.now();
    const { clientId, clientSecret } = oauth;
    const endpoint = new URL(oauth.introspectionEndpoint);
    const flooded = new Introspection({ endpoint, clientId, clientSecret, isRequired: false });
    expect(await flooded.claimsOf(good)).to.include({ sub: clientId });
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => flooded.claimsOf(`invented-${at}`)));
    const seconds = (performance.now() - began) / 1000;
    const asked = oauth.introspections() - before;
    expect(asked).to.be.within(100, 100 + Math.ceil(20 * seconds));
    expect(await flooded.claimsOf(good), 'what was asked before the flood').to.include({ sub: clientId });
    // A token that could not be asked about is asked about later, as soon as the bound allows.
    const another = await newToken();
    let said = await flooded.claimsOf(another);
    while (said === undefined) {
      await setTimeout(20);
      said = await flooded.claimsOf(another);
    }
    expect(said).to.include({ sub: clientId });
  });
});

describe('what the authorization server has said of a token', () => {
  it('stays when a request with the same token goes out, and goes with another', () => {
    const transport = {};
    const going = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
    noteClaims(transport, FORGED, { sub: 'ada', iss: 'https://login.example' });
    noteToken(transport, going(FORGED));
    expect(authorizationOf(transport)).to.include({ subject: 'ada', subject_identity: 'verified' });
    noteToken(transport, going(FORGED.replace('c2ln', 'c2lu')));
    expect(authorizationOf(transport)).to.include({ subject: 'ada', subject_identity: 'self-reported' });
  });
});
