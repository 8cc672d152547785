import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a receiver treats what it is sent; `away` is no receiver at all, `restart` one that went and came back. */
export const WAYS = [
  ...(['well', '429 for seconds', '429 until a date', '503', 'hang', 'half-close', 'reset'] as const),
  ...(['taken, then reset', 'taken, then 502', 'away', 'restart'] as const),
];

/** One of {@link WAYS}. */
export type Way = (typeof WAYS)[number];

/** The records of a body that has one JSON line each, for {@link ChaoticReceiver}. */
export function ofLines(body: string): [id: string, content: string][] {
  return body
    .split('\n')
    .filter(Boolean)
    .map((line) => [(JSON.parse(line) as { record_id: string }).record_id, line]);
}

/** A real receiver whose ways change, always on the same port. */
export class ChaoticReceiver {
  /** A hash of each record that it has taken, by record id: a repetition must be the same bytes. */
  readonly taken = new Map<string, string>();
  /** Repetitions that were not the same bytes. */
  readonly changed: string[] = [];
  /** How many records came again. */
  repeated = 0;
  readonly #split: (body: string) => [id: string, content: string][];
  #way: Way = 'well';
  #server: Server | undefined;
  #port = 0;

  /** @param split - the records of a request's body, each with its id. */
  constructor(split: (body: string) => [id: string, content: string][]) {
    this.#split = split;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v1/logs`;
  }

  /** Changes its ways; resolves when the new ones hold. */
  async become(way: Way): Promise<void> {
    this.#way = way;
    if (way === 'away' || way === 'restart') await this.close();
    if (way !== 'away') await this.#open();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async #open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const way = this.#way;
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const retryAfter = way === '429 until a date' ? new Date(Date.now() + 1_000).toUTCString() : '1';
    switch (way) {
      case 'hang':
        return;
      case 'half-close':
        return void request.socket.end();
      case 'reset':
        return void request.socket.resetAndDestroy();
      case '503':
        return void response.writeHead(503).end();
      case '429 for seconds':
      case '429 until a date':
        return void response.writeHead(429, { 'retry-after': retryAfter }).end();
    }
    for (const [id, content] of this.#split(body)) this.#take(id, content);
    if (way === 'taken, then reset') request.socket.resetAndDestroy();
    else if (way === 'taken, then 502') response.writeHead(502).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  #take(id: string, content: string): void {
    const hash = createHash('sha256').update(content).digest('base64');
    const known = this.taken.get(id);
    if (known !== undefined) this.repeated++;
    if (known !== undefined && known !== hash) this.changed.push(id);
    this.taken.set(id, hash);
  }
}
