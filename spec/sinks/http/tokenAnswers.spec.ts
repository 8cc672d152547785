import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { MAX_DELAY_MS } from '../../../lib/internal/duration.js';
import { FieldNotesSink, type FieldNotesSinkOptions } from '../../../lib/sinks/http/fieldNotesSink.js';
import type { SinkResult } from '../../../lib/sinks/sink.js';
import { expectFailure } from '../../contract/sinkContract.js';
import { sampleRecord } from '../../support/sampleRecords.js';

type Token = (response: ServerResponse, nth: number) => void;

const json =
  (answer: unknown, status = 200): Token =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
const good = json({ access_token: 'token', token_type: 'Bearer' });

/** An ingest and a token endpoint on one server. */
async function withServer(
  token: Token,
  work: (sink: FieldNotesSink, seen: { tokens: number; posts: string[] }) => Promise<void>,
  options: FieldNotesSinkOptions = {},
): Promise<void> {
  const seen = { tokens: 0, posts: [] as string[] };
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/token') return token(response, seen.tokens++);
      seen.posts.push(String(request.headers.authorization));
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sink = new FieldNotesSink({
    ...{ endpoint: `${base}/v1/events`, tokenEndpoint: `${base}/token`, clientId: 'c', clientSecret: 's' },
    ...{ timeoutMs: 4_000, retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1 }, ...options },
  });
  try {
    await work(sink, seen);
  } finally {
    await sink.close();
    server.closeAllConnections();
    server.close();
  }
}

describe('the lifetime of a token', () => {
  const lifetimes: [unknown, tokens: number][] = [
    [undefined, 1],
    [null, 1],
    ['3600', 1],
    ['3600.5', 1],
    ['', 1],
    ['soon', 1],
    ['-1', 1],
    [0, 1],
    [-5, 1],
    [1e300, 1],
    ['1e999', 1],
    [true, 1],
    [[], 1],
    [{ seconds: 5 }, 1],
    [3600, 1],
    // Gone before it can be used twice.
    [0.000001, 2],
  ];
  for (const [expires_in, tokens] of lifetimes)
    it(`may be ${JSON.stringify(expires_in)}`, () =>
      withServer(json({ access_token: 't', token_type: 'bearer', expires_in }), async (sink, seen) => {
        for (const seq of [0, 1])
          expect(await sink.emit([sampleRecord(seq)])).to.include({ status: 'delivered' });
        expect(seen.posts).to.deep.equal(['Bearer t', 'Bearer t']);
        expect(seen.tokens).to.equal(tokens);
      }));

  it('does not matter beside members that hold null', () =>
    withServer(
      json({ access_token: 't', token_type: null, refresh_token: null, scope: null, id_token: null }),
      async (sink) => void expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' }),
    ));
});

const endless =
  (head: Record<string, string>, chunk: Buffer): Token =>
  (response) => {
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.writeHead(200, head).on('drain', more);
    more();
  };
const type = { 'content-type': 'application/json' };

/** Answers from which there is no token to be had. */
const USELESS: Record<string, Token> = {
  'a token with a line break in it': json({
    access_token: 'secret-canary\r\nx-evil: 1',
    token_type: 'bearer',
  }),
  'a token with a line separator in it': json({ access_token: 'secret-canary\u2028', token_type: 'bearer' }),
  'a token with an accent': json({ access_token: 'sécret-canary', token_type: 'bearer' }),
  'a token with a NUL in it': json({ access_token: 'secret-canary\0', token_type: 'bearer' }),
  'a token that ends with a line feed': json({ access_token: 'secret-canary\n', token_type: 'bearer' }),
  'a token that is only spaces': json({ access_token: '   ', token_type: 'bearer' }),
  'a token of a megabyte': json({ access_token: 'secret-canary'.repeat(80_000), token_type: 'bearer' }),
  'a token that is too long for a header': json({
    access_token: 'secret-canary'.repeat(2_000),
    token_type: 'bearer',
  }),
  'an empty token': json({ access_token: '', token_type: 'bearer' }),
  'a token that is a number': json({ access_token: 5, token_type: 'bearer' }),
  'a page': (response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>secret-canary'),
  'half an answer': (response) => {
    response.writeHead(200, { ...type, 'content-length': 999 }).write('{"access_token":"secret-canary"');
    setTimeout(() => response.socket?.resetAndDestroy(), 10);
  },
  'an answer without end': endless(type, Buffer.alloc(65_536, '{"a":"secret-canary'.padEnd(64))),
  'a gzip bomb': (response) =>
    void response
      .writeHead(200, { ...type, 'content-encoding': 'gzip' })
      .end(gzipSync(Buffer.alloc(30_000_000, ' '))),
  'another protocol': (response) =>
    void response.socket?.write(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ),
  'a redirect': (response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
};

describe('a token answer', () => {
  const ways = {
    "Node's client": {},
    'a fetch': { fetch: (url: string, init: RequestInit) => fetch(url, init) },
  };
  for (const [way, options] of Object.entries(ways))
    for (const [what, answer] of Object.entries(USELESS))
      it(`through ${way} is not used when it is ${what}; the record waits for the next`, () =>
        withServer(
          (response, nth) => (nth < 2 ? answer : good)(response, nth),
          async (sink, seen) => {
            const error = expectFailure(await sink.emit([sampleRecord()]), 'retryable');
            expect(error.message).to.match(/^token request to http:\/\/127\.0\.0\.1:\d+ failed: no token$/);
            expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' });
            expect(seen.posts).to.deep.equal(['Bearer token']);
          },
          options,
        ));

  for (const [pause, expected] of [
    ['120', 120_000],
    ['99999999999', MAX_DELAY_MS],
    [new Date(Date.now() - 1e9).toUTCString(), 0],
    ['soon', undefined],
  ] as const)
    it(`says how long the authorization server wants to be left alone: ${pause}`, () =>
      withServer(
        (response) => void response.writeHead(503, { 'retry-after': pause }).end(),
        async (sink, seen) => {
          const result = await sink.emit([sampleRecord()]);
          expectFailure(result, 'retryable');
          expect('retryAfterMs' in result ? result.retryAfterMs : undefined).to.equal(expected);
          expect([seen.tokens, seen.posts.length]).to.deep.equal([1, 0]);
        },
        { retry: { maxAttempts: 1 } },
      ));

  it('may be packed', () =>
    withServer(
      (response) =>
        void response
          .writeHead(200, { ...type, 'content-encoding': 'gzip' })
          .end(gzipSync(JSON.stringify({ access_token: 'token', token_type: 'bearer' }))),
      async (sink) => void expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' }),
    ));

  it('is read within the time and the bytes of one request, however it drips', () => {
    const drip: Token = (response) => {
      response.writeHead(200, type);
      const timer = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(timer));
    };
    let result: SinkResult | undefined;
    return withServer(
      drip,
      async (sink) => {
        result = await sink.emit([sampleRecord()]);
        expectFailure(result, 'retryable');
      },
      { timeoutMs: 100 },
    );
  });
});
