import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A receiver that is well for some seconds and then fails for some, in another way each time. */
export interface FailingReceiver {
  readonly endpoint: string;
  /** The ids of the records that it has taken, each once. */
  readonly ids: ReadonlySet<string>;
  close(): void;
}

const WAYS = [
  'well',
  '503',
  'well',
  'reset',
  'well',
  '429',
  'well',
  'silence',
  'well',
  'taken, then reset',
] as const;
const EACH_MS = 2_500;

/** Starts one on loopback. */
export async function startFailingReceiver(): Promise<FailingReceiver> {
  const ids = new Set<string>();
  const began = performance.now();
  const server = createServer((request, response) => {
    const way = WAYS[Math.floor((performance.now() - began) / EACH_MS) % WAYS.length];
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      if (way === 'silence') return;
      if (way === 'reset') return void request.socket.destroy();
      if (way === '503' || way === '429')
        return void response.writeHead(Number(way), { 'retry-after': '0' }).end();
      for (const line of body.split('\n').filter(Boolean))
        ids.add((JSON.parse(line) as { record_id: string }).record_id);
      if (way === 'taken, then reset') request.socket.destroy();
      else response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { endpoint: `http://127.0.0.1:${port}/records`, ids, close };
}
