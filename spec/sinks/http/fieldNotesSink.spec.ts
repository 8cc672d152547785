// Decodes what arrives with the codec of the format: the sink has it loaded on demand, and shows it to no user.
import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { decodeProtobuf } from '../../../lib/codecs/protobuf.js';
import { FieldNotesSink, type FieldNotesSinkOptions } from '../../../lib/sinks/http/fieldNotesSink.js';
import { expectFailure, sinkContract } from '../../contract/sinkContract.js';
import { startReceiver, type HttpReceiver, type ReceivedRequest } from '../../support/httpReceiver.js';
import { startOAuthServer, type OAuthServer } from '../../support/oauthServer.js';
import { sampleRecord } from '../../support/sampleRecords.js';

/** The ingest of the service: takes what carries a token that the authorization server stands by. */
async function startIngest(server: OAuthServer): Promise<HttpReceiver> {
  const ingest = await startReceiver();
  ingest.answer = (response, { headers }) => {
    const token = (headers.authorization ?? '').replace(/^Bearer /, '');
    void server.accepts(token).then((ok) => response.writeHead(ok ? 202 : 401).end());
  };
  return ingest;
}

describe('FieldNotesSink with client credentials', () => {
  let server: OAuthServer;
  let ingest: HttpReceiver;
  const start = async (lifetimeS?: number): Promise<void> => {
    server = await startOAuthServer(lifetimeS);
    ingest = await startIngest(server);
  };
  afterEach(async () => {
    await Promise.all([server.close(), ingest.close()]);
  });
  const make = (options: FieldNotesSinkOptions = {}): FieldNotesSink =>
    new FieldNotesSink({
      endpoint: `${ingest.url}/fieldnotes/v1/events`,
      tokenEndpoint: server.tokenEndpoint,
      clientId: server.clientId,
      clientSecret: server.clientSecret,
      requestsPerSecond: 1000,
      retry: { initialDelayMs: 1, maxDelayMs: 1 },
      ...options,
    });

  it('asks for a token as the service documents it, and posts one message per record with it', async () => {
    await start();
    await make().emit([sampleRecord(0), sampleRecord(1)]);
    expect([...server.requests[0]!].sort()).to.deep.equal([
      ['client_id', server.clientId],
      ['client_secret', server.clientSecret],
      ['grant_type', 'client_credentials'],
      ['scope', 'fieldnotes.ingest'],
    ]);
    const [first, second] = ingest.requests as [ReceivedRequest, ReceivedRequest];
    expect(first.path).to.equal('/fieldnotes/v1/events');
    expect(first.headers).to.include({
      authorization: `Bearer ${server.issued[0]}`,
      'content-type': 'application/x-protobuf',
    });
    expect(decodeProtobuf(first.body)).to.deep.equal(sampleRecord(0));
    expect(decodeProtobuf(second.body)).to.deep.equal(sampleRecord(1));
    expect(server.issued, 'one token for both').to.have.length(1);
  });

  it('renews a token before it expires', async () => {
    await start(1);
    const sink = make();
    await sink.emit([sampleRecord(0)]);
    await new Promise((resolve) => setTimeout(resolve, 950));
    expect(await sink.emit([sampleRecord(1)])).to.include({ status: 'delivered' });
    expect(server.issued).to.have.length(2);
    expect(ingest.requests, 'no request was refused').to.have.length(2);
  });

  it('gets one new token after a 401, and tries once more', async () => {
    await start();
    const sink = make();
    ingest.script = [401];
    expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' });
    const used = ingest.requests.map(({ headers }) => headers.authorization);
    expect(used)
      .to.deep.equal(server.issued.map((token) => `Bearer ${token}`))
      .and.to.have.length(2);
  });

  it('takes a second 401 for an answer', async () => {
    await start();
    ingest.answer = 401;
    expectFailure(await make().emit([sampleRecord()]), 'permanent');
    expect(ingest.requests).to.have.length(2);
  });

  it('says that the credentials were refused, and nothing else of them', async () => {
    await start();
    const clientSecret = 'not the secret';
    const error = expectFailure(await make({ clientSecret }).emit([sampleRecord()]), 'permanent');
    expect(error.message).to.match(/^token request to http:\/\/127\.0\.0\.1:\d+ failed: invalid_client$/);
    expect(ingest.requests).to.deep.equal([]);
  });

  it('may try again later where the authorization server cannot be reached', async () => {
    await start();
    await server.close();
    expectFailure(await make({ retry: { maxAttempts: 1 } }).emit([sampleRecord()]), 'retryable');
  });

  it('keeps to the rate it was given', async () => {
    await start();
    const sink = make({ requestsPerSecond: 10 });
    const began = performance.now();
    await sink.emit(Array.from({ length: 15 }, (_, index) => sampleRecord(index)));
    expect(performance.now() - began, 'ten at once, then five at ten a second').to.be.at.least(480);
    expect(ingest.requests).to.have.length(15);
  });

  sinkContract('FieldNotesSink', async () => {
    await start();
    return {
      sink: make({ retry: { maxAttempts: 1 } }),
      received: () => ingest.requests.map(({ body }) => decodeProtobuf(body)),
      breakReceiver: () => ingest.close(),
    };
  });
});

describe('FieldNotesSink for the container', () => {
  let ingest: HttpReceiver;
  beforeEach(async () => {
    ingest = await startReceiver();
  });
  afterEach(() => ingest.close());

  it('signs with a key, and asks nobody for a token', async () => {
    await new FieldNotesSink({ endpoint: `${ingest.url}/v1/events`, hmacKey: 'k' }).emit([sampleRecord()]);
    const [{ headers, body, path }] = ingest.requests as [ReceivedRequest];
    expect(path).to.equal('/v1/events');
    expect(headers['x-signature']).to.equal(createHmac('sha256', 'k').update(body).digest('hex'));
    expect(headers).not.to.have.property('authorization');
  });

  it('sends neither token nor signature where none is wanted', async () => {
    await new FieldNotesSink({ endpoint: `${ingest.url}/v1/events`, auth: 'none' }).emit([sampleRecord()]);
    expect(ingest.requests[0]?.headers).not.to.have.any.keys('authorization', 'x-signature');
  });

  it('is made from the environment', async () => {
    const env = { LOKRYN_ENDPOINT: `${ingest.url}/v1/events`, LOKRYN_HMAC_KEY: 'k', LOKRYN_CLIENT_ID: '' };
    await FieldNotesSink.fromEnv(env).emit([sampleRecord()]);
    expect(ingest.requests[0]?.headers).to.have.property('x-signature');
  });
});
