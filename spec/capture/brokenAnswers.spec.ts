import type { ServerResponse } from 'node:http';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { expect } from 'chai';
import { audited, rejection } from '../support/audited.js';
import { startRawHttp, type RawHttp } from '../support/rawHttp.js';
import { SDKS, type AnyClient, type Sdk } from '../support/rawServer.js';
import { verdict } from '../support/verdicts.js';

const info = { name: 'agent', version: '1.2.3' };
const EVENTS = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
const PAGE = { 'content-type': 'text/html' };

interface Row {
  readonly what: string;
  readonly breaks: (response: ServerResponse, id: unknown) => void;
  readonly outcome: 'ERROR' | 'UNAUTHORIZED' | 'DENIED';
  /** The `error.type`, of v1 and of v2; one for both, or several that the platform chooses from. */
  readonly types: readonly [v1: string, v2: string] | readonly [string];
  readonly status?: number;
  /** What differs for v2 in its modern era. */
  readonly modern?: { readonly type: string; readonly answer: string };
}

const HTTP_V2 = 'CLIENT_HTTP_NOT_IMPLEMENTED';
const NO_SESSION = { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } };
const refusal = (id: unknown) =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no' } });

/** Answers with a status and a body that is whole. */
const whole =
  (status: number, headers: object, body = ''): Row['breaks'] =>
  (response) =>
    void response.writeHead(status, { ...headers }).end(body);

/** Begins an answer, and cuts the connection once that has gone out. */
const cut =
  (headers: object, body: string): Row['breaks'] =>
  (response) => {
    response.writeHead(200, { ...headers });
    response.write(body, () => response.destroy());
  };

const ROWS: readonly Row[] = [
  { what: 'a 500', breaks: whole(500, {}, 'no'), outcome: 'ERROR', types: ['500', HTTP_V2], status: 500 },
  {
    what: 'a page of a 502',
    breaks: whole(502, PAGE, '<p>'),
    outcome: 'ERROR',
    types: ['502', HTTP_V2],
    status: 502,
  },
  {
    what: 'a 404 for a session that is gone',
    breaks: whole(404, JSON_TYPE, JSON.stringify(NO_SESSION)),
    ...{ outcome: 'ERROR', types: ['404', HTTP_V2], status: 404 },
  },
  { what: 'a 401', breaks: whole(401, {}), outcome: 'UNAUTHORIZED', types: ['401', HTTP_V2], status: 401 },
  { what: 'a 403', breaks: whole(403, {}), outcome: 'DENIED', types: ['403', HTTP_V2], status: 403 },
  {
    what: 'a 403 with a JSON-RPC error in it',
    breaks: (response, id) => whole(403, JSON_TYPE, refusal(id))(response, id),
    ...{ outcome: 'DENIED', types: ['403', HTTP_V2], status: 403 },
  },
  {
    what: 'a 400 with a JSON-RPC error in it',
    breaks: (response, id) => whole(400, JSON_TYPE, refusal(id))(response, id),
    ...{ outcome: 'ERROR', types: ['400', HTTP_V2], status: 400 },
    modern: { type: '-32602', answer: 'error' },
  },
  {
    what: 'half of a JSON text',
    breaks: whole(200, JSON_TYPE, '{"res'),
    outcome: 'ERROR',
    types: ['SyntaxError'],
    status: 200,
  },
  {
    what: 'JSON that is no message',
    breaks: whole(200, JSON_TYPE, '{"a":1}'),
    outcome: 'ERROR',
    types: ['ZodError'],
    status: 200,
  },
  {
    what: 'a page of a 200',
    breaks: whole(200, PAGE, '<p>'),
    ...{ outcome: 'ERROR', types: ['-1', 'CLIENT_HTTP_UNEXPECTED_CONTENT'], status: 200 },
  },
  {
    what: 'a connection that is cut',
    breaks: (response) => void response.destroy(),
    outcome: 'ERROR',
    types: ['UND_ERR_SOCKET'],
  },
  {
    what: 'a body that is cut',
    breaks: cut({ ...JSON_TYPE, 'content-length': '500' }, '{"jsonrpc"'),
    ...{ outcome: 'ERROR', types: ['UND_ERR_SOCKET'], status: 200 },
  },
  { what: 'a 202', breaks: whole(202, {}), outcome: 'ERROR', types: ['timeout'] },
  {
    what: 'events that end within an answer',
    breaks: whole(200, EVENTS, 'data: {"id"'),
    outcome: 'ERROR',
    types: ['timeout'],
  },
  {
    what: 'events that end without an answer',
    breaks: whole(200, EVENTS, ': no\n\n'),
    outcome: 'ERROR',
    types: ['timeout'],
  },
  {
    what: 'events that are cut',
    breaks: cut(EVENTS, 'data: {"id"'),
    outcome: 'ERROR',
    types: ['timeout'],
  },
];

describe('answers that break', () => {
  let server: RawHttp | undefined;
  afterEach(() => server?.close());

  const callOf = async (sdk: Sdk, breaks: Row['breaks'], timeout: number) => {
    server = await startRawHttp(({ id, method }, { response }) => {
      if (method !== 'tools/call') return undefined;
      breaks(response, id);
      return 'done';
    });
    const modern = sdk === 'v2 modern' && { versionNegotiation: { mode: 'auto' as const } };
    const client = sdk === 'v1' ? new ClientV1(info) : new ClientV2(info, { ...modern });
    const sink = audited(client);
    const transport = sdk === 'v1' ? new TransportV1(server.url) : new TransportV2(server.url);
    await client.connect(transport as never);
    await client.listTools();
    const calls = client as unknown as AnyClient;
    const given = [
      { name: 'plain', arguments: {} },
      ...(sdk === 'v1' ? [undefined] : []),
      { timeout },
    ] as const;
    expect(await rejection(calls.callTool(...given))).to.be.instanceOf(Error);
    await client.close();
    return sink.only('tools/call');
  };

  for (const { what, breaks, outcome, types, status, modern } of ROWS)
    for (const sdk of SDKS)
      it(`are told as what they were: ${what}, ${sdk}`, async () => {
        const record = await callOf(sdk, breaks, types[0] === 'timeout' ? 300 : 60_000);
        const { answer, ...said } = verdict(record) as { answer?: string };
        const own = sdk === 'v2 modern' ? modern : undefined;
        const type = own?.type ?? (sdk === 'v1' ? types[0] : types.at(-1));
        expect(said).to.include({ outcome: `FAILURE_${outcome}`, type, caller_saw: 'error' });
        expect(answer).to.equal(own?.answer);
        // Where nothing but time ends a call, what came before does so when it may.
        if (type !== 'timeout') expect(record.mcp?.http_status).to.equal(status);
      });
});
