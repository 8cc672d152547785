import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Witness, type WitnessAnswer } from '../../integrity/witness.js';

/** A request holds at most 63 hashes and a checkpoint with its signatures; 64 KiB is ten times what logs send. */
const MAX_REQUEST_BYTES = 1 << 16;
/** A client that has not sent its request by then is disconnected. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Told of each request that was answered: the path, the status, and in words what was refused. */
export type RequestListener = (line: { path: string; status: number; detail?: string }) => void;

/** The HTTP interface of a witness (c2sp.org/tlog-witness): submissions and monitoring under one prefix, the root. */
export function witnessServer(
  witness: Witness,
  onRequest: RequestListener,
  timeoutMs = REQUEST_TIMEOUT_MS,
): Server {
  // Node looks for requests that are overdue every 30 s by default: slow clients would be kept for four times as long.
  const server = createServer({ connectionsCheckingInterval: timeoutMs / 10 }, (request, response) => {
    void answer(witness, request).then((result) => {
      reply(response, result);
      const path = (request.url ?? '').split('?')[0] ?? '';
      const detail = result.status === 200 ? undefined : result.body.trim();
      onRequest({ path, status: result.status, ...(detail !== undefined && { detail }) });
    });
  });
  server.requestTimeout = timeoutMs;
  server.headersTimeout = timeoutMs;
  return server;
}

type Answer = Omit<WitnessAnswer, 'status'> & { readonly status: number };

async function answer(witness: Witness, request: IncomingMessage): Promise<Answer> {
  const { method, url = '' } = request;
  const [, hash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(url) ?? [];
  try {
    if (hash !== undefined) {
      if (method !== 'GET' && method !== 'HEAD') return text(405, 'use GET');
      const note = await witness.checkpoint(hash);
      return note === undefined ? text(404, 'never cosigned here') : text(200, note, '');
    }
    if (url !== '/add-checkpoint') return text(404, 'no such page');
    if (method !== 'POST') return text(405, 'use POST');
    const body = await read(request);
    if (body === 'too long') return text(413, 'the request is too long');
    if (body === 'broken off') return text(400, 'the request did not arrive whole');
    return await witness.addCheckpoint(body.text);
  } catch {
    // Nothing was cosigned. The file system's error is for the operator of the witness, not for its clients.
    return text(500, 'the witness cannot read or write its state');
  }
}

/** The whole body, or why there is none. */
async function read(
  request: IncomingMessage,
): Promise<{ readonly text: string } | 'too long' | 'broken off'> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_REQUEST_BYTES) return 'too long';
      chunks.push(chunk);
    }
  } catch {
    return 'broken off';
  }
  return { text: Buffer.concat(chunks).toString('utf8') };
}

function text(status: number, body: string, end = '\n'): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}${end}` };
}

function reply(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    // What is left of a request that was too long is not read.
    ...(status === 413 && { connection: 'close' }),
  });
  response.end(body);
}
