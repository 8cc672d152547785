import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { expect } from 'chai';
import express, {
  type NextFunction,
  type Request as ExpressRequest,
  type Response as ExpressResponse,
} from 'express';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { auditHttp } from '../../lib/capture/auditHttp.js';
import { httpAudit } from '../support/httpAudit.js';

const CHALLENGE = 'Bearer error="invalid_token", error_description="Token has expired", scope="a b"';

describe('auditHttp', () => {
  const audit = httpAudit();
  const { start, recorded } = audit;

  describe('around a handler of node:http', () => {
    const refuse = (request: IncomingMessage, response: ServerResponse): void => {
      request.resume().on('end', () => response.writeHead(401, { 'WWW-Authenticate': CHALLENGE }).end());
    };

    it('reads the challenge also where `writeHead` was given it, and the address of the client', async () => {
      const url = await start(auditHttp(refuse));
      await fetch(`${url}/a/b?c#d`, {
        headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
      });
      const [record] = await recorded(1);
      expect(record).to.include({
        trace_id: 'a'.repeat(32),
        parent_span_id: 'b'.repeat(16),
        resource: 'http/a/b',
      });
      expect(record?.error).to.deep.equal({
        type: 'invalid_token',
        code: '401',
        message: 'Token has expired',
      });
      expect(record?.mcp).to.include({ http_method: 'GET', http_path: '/a/b', peer_address: '127.0.0.1' });
      expect(record?.mcp?.client_address).to.equal('127.0.0.1');
      expect(record?.mcp?.peer_port).to.be.greaterThan(0);
      expect(record?.duration_ms).to.be.greaterThan(0);
    });

    it('takes the word of trusted proxies, and headers by name', async () => {
      await audit.open({ trustedProxies: ['loopback'], recordHeaders: ['User-Agent', 'X-Api-Key'] });
      const url = await start(auditHttp(refuse));
      const headers = {
        'x-forwarded-for': '1.1.1.1, 203.0.113.9',
        'user-agent': 'curl',
        'x-api-key': 'canary',
      };
      await fetch(url, { headers });
      const [record] = await recorded(1);
      expect(record?.mcp).to.include({ client_address: '203.0.113.9', peer_address: '127.0.0.1' });
      expect(record?.mcp?.http_headers).to.deep.equal({ 'user-agent': 'curl', 'x-api-key': '[REDACTED]' });
    });

    it('leaves bodies, their streams and the response to the handler', async () => {
      const url = await start(
        auditHttp((request: IncomingMessage, response: ServerResponse) => {
          expect([request.readableFlowing, request.listenerCount('data')]).to.deep.equal([null, 0]);
          response.statusCode = 403;
          request.pipe(response);
        }),
      );
      const body = 'x'.repeat(300_000);
      const response = await fetch(url, { method: 'POST', body });
      expect(await response.text()).to.equal(body);
      const [record] = await recorded(1);
      expect(record?.error).to.deep.equal({ type: 'forbidden', code: '403' });
    });

    it('records a refusal whose client is gone before its end, once', async () => {
      const url = await start(
        auditHttp((_: IncomingMessage, response: ServerResponse) => {
          response.writeHead(401).write('a');
        }),
      );
      const aborting = new AbortController();
      const response = await fetch(url, { signal: aborting.signal });
      expect(response.status).to.equal(401);
      aborting.abort();
      await recorded(1);
    });

    it('records everything where it is asked to, with the outcome', async () => {
      const handler = (request: IncomingMessage, response: ServerResponse) =>
        void response.writeHead(Number(request.url?.slice(1))).end();
      const url = await start(auditHttp(handler, { record: 'all' }));
      for (const status of [200, 404, 500]) await fetch(`${url}/${status}`);
      const records = await recorded(3);
      expect(
        records.map(({ outcome, error, event_type }) => [outcome, error?.type, event_type]),
      ).to.deep.equal([
        ['OUTCOME_SUCCESS', undefined, 'EVENT_RESOURCE_ACCESS'],
        ['OUTCOME_FAILURE_ERROR', 'http_404', 'EVENT_RESOURCE_ACCESS'],
        ['OUTCOME_FAILURE_ERROR', 'http_500', 'EVENT_RESOURCE_ACCESS'],
      ]);
    });
  });

  describe('around Express', () => {
    it('keeps `next`, errors, and the number of parameters, by which Express tells handlers of errors', async () => {
      const app = express();
      const order: string[] = [];
      const log =
        (name: string) =>
        (_request: ExpressRequest, _response: ExpressResponse, next: NextFunction): void => {
          order.push(name);
          next();
        };
      app.use(auditHttp(log('first')), auditHttp(log('second')));
      app.get(
        '/throws',
        auditHttp(() => {
          throw Object.assign(new Error('mine'), { status: 401 });
        }),
      );
      app.get(
        '/rejects',
        auditHttp(async () => Promise.reject(Object.assign(new Error('mine'), { status: 403 }))),
      );
      app.get('/passes', (_request, response) => void response.json({ order }));
      app.use(
        auditHttp(
          (
            error: Error & { status: number },
            _request: ExpressRequest,
            response: ExpressResponse,
            _next: NextFunction,
          ) => {
            response.status(error.status).send(error.message);
          },
        ),
      );
      const url = await start(app);
      expect(await (await fetch(`${url}/passes`)).json()).to.deep.equal({ order: ['first', 'second'] });
      for (const [path, status] of [
        ['throws', 401],
        ['rejects', 403],
      ] as const) {
        const response = await fetch(`${url}/${path}`);
        expect([response.status, await response.text()]).to.deep.equal([status, 'mine']);
      }
      const records = await recorded(2);
      expect(records.map(({ mcp }) => [mcp?.http_path, mcp?.http_status])).to.deep.equal([
        ['/throws', 401],
        ['/rejects', 403],
      ]);
    });

    it('takes a whole application, which stays one', async () => {
      const app = auditHttp(express());
      app.get('/private/:id', (_request, response) => void response.status(403).end());
      const url = await new Promise<string>((resolve) => {
        const server = app.listen(0, '127.0.0.1', () =>
          resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
        );
        audit.closing(() => new Promise((done) => void server.close(() => done())));
      });
      await (await fetch(`${url}/private/7?x=1`, { headers: { connection: 'close' } })).text();
      const [record] = await recorded(1);
      expect(record?.mcp?.http_path).to.equal('/private/7');
    });
  });

  describe('around Hono', () => {
    const guarded = (): Hono => {
      const app = new Hono();
      app.use(
        '/middleware/*',
        auditHttp(async (context, next) => {
          if (context.req.header('authorization') === undefined)
            return context.text('no', 401, { 'WWW-Authenticate': CHALLENGE });
          await next();
          return undefined;
        }) as Parameters<typeof app.use>[1],
      );
      app.get('/middleware/later', (context) => context.text('no', 403));
      app.get('/middleware/ok', (context) => context.text('yes'));
      app.use(
        '/throws',
        auditHttp(async () => {
          const res = new Response('no', { status: 401, headers: { 'WWW-Authenticate': CHALLENGE } });
          throw new HTTPException(401, { res });
        }) as Parameters<typeof app.use>[1],
      );
      return app;
    };

    it('sees what a middleware answers, what later ones do, and what is thrown', async () => {
      const app = guarded();
      const answers = [
        await app.request('/middleware/ok'),
        await app.request('/middleware/later', { headers: { authorization: 'x' } }),
        await app.request('/middleware/ok', { headers: { authorization: 'x' } }),
        await app.request('/throws'),
      ];
      expect(await Promise.all(answers.map(async (each) => [each.status, await each.text()]))).to.deep.equal([
        [401, 'no'],
        [403, 'no'],
        [200, 'yes'],
        [401, 'no'],
      ]);
      const records = await recorded(3);
      expect(records.map(({ mcp, error }) => [mcp?.http_path, error?.type])).to.deep.equal([
        ['/middleware/ok', 'invalid_token'],
        ['/middleware/later', 'forbidden'],
        ['/throws', 'invalid_token'],
      ]);
    });

    it('takes the whole of it, and knows the client where Node.js serves it', async () => {
      const app = guarded();
      const url = await new Promise<string>((resolve) => {
        const server = serve({ fetch: auditHttp(app.fetch), port: 0, hostname: '127.0.0.1' }, ({ port }) =>
          resolve(`http://127.0.0.1:${port}`),
        );
        audit.closing(() => new Promise((done) => void server.close(() => done())));
      });
      const response = await fetch(`${url}/middleware/ok`, { headers: { connection: 'close' } });
      expect([response.status, await response.text()]).to.deep.equal([401, 'no']);
      // The application's own middleware is wrapped too, and a request has one record.
      const [record] = await recorded(1);
      expect(record?.mcp).to.include({ http_path: '/middleware/ok', client_address: '127.0.0.1' });
    });
  });

  describe('around functions of a web-standard request', () => {
    it('gives back the very promise, and the very response', async () => {
      const response = new Response(null, { status: 401 });
      const promise = Promise.resolve(response);
      const request = (): Request => new Request('https://mcp.example.com/mcp?a=b');
      expect(auditHttp((_: Request) => promise)(request())).to.equal(promise);
      expect(auditHttp((_: Request) => response)(request())).to.equal(response);
      const records = await recorded(2);
      for (const { mcp } of records) expect(mcp).to.include({ http_path: '/mcp', http_status: 401 });
      expect(records[0]?.mcp).not.to.have.any.keys('client_address', 'peer_address', 'oauth');
    });

    it('passes on what is thrown and rejected', async () => {
      const reason = new RangeError('mine');
      const request = new Request('https://mcp.example.com/mcp');
      const throwing = auditHttp((_: Request) => {
        throw reason;
      });
      expect(() => throwing(request)).to.throw(reason as never);
      const rejecting = auditHttp((_: Request) => Promise.reject(reason));
      expect(await rejecting(new Request(request)).catch((error: unknown) => error)).to.equal(reason);
    });
  });

  it('keeps the name, the properties and `this` of a handler', () => {
    const handler = Object.assign(
      function handle(
        this: unknown,
        _request: IncomingMessage,
        _response: ServerResponse,
        _next: () => void,
      ) {
        return this;
      },
      { mine: 1 },
    );
    const wrapped = auditHttp(handler);
    expect([wrapped.name, wrapped.length, wrapped.mine]).to.deep.equal(['handle', 3, 1]);
    const self = {};
    expect(wrapped.call(self, {} as never, {} as never, () => undefined)).to.equal(self);
    for (const odd of [[], [null], [7, 'x'], [new Proxy({}, { get: () => expect.fail('no') })]])
      expect(() => Reflect.apply(wrapped, self, odd)).not.to.throw();
  });

  it('says what it does not take', () => {
    expect(() => auditHttp({ fetch: () => undefined } as never)).to.throw(
      /auditHttp.*of a worker or an app, its fetch/,
    );
    expect(() => auditHttp(() => undefined, { record: 'none' as never })).to.throw(/'refused', 'all'/);
    expect(() => auditHttp(() => undefined, { recrod: 'all' } as never)).to.throw(/did you mean record/);
  });
});
