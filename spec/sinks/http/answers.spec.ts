import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { HttpSink, type HttpSinkOptions } from '../../../lib/sinks/http/httpSink.js';
import { sampleRecord } from '../../support/sampleRecords.js';

/** A receiver that answers bytes, whatever HTTP thinks of them. */
async function startRaw(answer: (socket: Socket, nth: number) => void) {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let head = '';
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      head += data.toString('latin1');
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 || length === undefined || head.length < end + 4 + Number(length)) return;
      head = '';
      answer(socket, requests++);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const head = (status: string, ...fields: string[]) => ['HTTP/1.1 ' + status, ...fields, '', ''].join('\r\n');
const drip = (socket: Socket) => {
  const timer = setInterval(() => socket.write('1\r\n.\r\n'), 5);
  socket.on('close', () => clearInterval(timer));
};

/** Answers whose status is whole and whose rest is not. */
const ODD: Record<string, (socket: Socket, status: string) => void> = {
  'a body that breaks with a reset': (socket, status) => {
    socket.write(head(status, 'content-length: 1000') + 'x', () =>
      setTimeout(() => socket.resetAndDestroy(), 20),
    );
  },
  'a body that breaks with an end': (socket, status) =>
    void socket.end(head(status, 'content-length: 1000') + 'x'),
  'a body that never comes': (socket, status) => void socket.write(head(status, 'content-length: 5')),
  'a body that drips for ever': (socket, status) => {
    socket.write(head(status, 'transfer-encoding: chunked'));
    drip(socket);
  },
  'a chunk that is none': (socket, status) =>
    void socket.write(head(status, 'transfer-encoding: chunked') + 'zz\r\nnonsense'),
  'more than it said': (socket, status) => void socket.write(head(status, 'content-length: 1') + 'xxxxxxxx'),
  'gzip that is none': (socket, status) =>
    void socket.write(head(status, 'content-encoding: gzip', 'content-length: 4') + 'nope'),
  'a hundred hints before it': (socket, status) =>
    void socket.write(head('103 Early Hints').repeat(50) + head(status, 'content-length: 0')),
};

describe('an answer over HTTP', function () {
  const quick = { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1 };
  const trial = async (
    answer: (socket: Socket, nth: number) => void,
    options: Partial<HttpSinkOptions> = {},
  ) => {
    const receiver = await startRaw(answer);
    const sink = new HttpSink({ endpoint: receiver.url, timeoutMs: 4_000, retry: quick, ...options });
    try {
      const { status } = await sink.emit([sampleRecord()]);
      return { status, requests: receiver.requests() };
    } finally {
      await sink.close();
      receiver.close();
    }
  };
  const ways = {
    "Node's client": {},
    'a fetch': { fetch: (url: string, init: RequestInit) => fetch(url, init) },
  };

  for (const [way, options] of Object.entries(ways)) {
    describe(`through ${way}`, () => {
      for (const [what, answer] of Object.entries(ODD)) {
        it(`of 200 is a delivery, with ${what}`, async () => {
          const result = await trial((socket) => answer(socket, '200 OK'), options);
          expect(result).to.deep.equal({ status: 'delivered', requests: 1 });
        });
      }

      it('of 204 is a delivery, with a body that it must not have', async () => {
        const answer = (socket: Socket) =>
          void socket.write(head('204 No Content', 'content-length: 5') + 'hello');
        expect(await trial(answer, options)).to.deep.equal({ status: 'delivered', requests: 1 });
      });

      it('of 403 is a refusal, and of 503 none, when the body breaks', async () => {
        const broken = (status: string) => (socket: Socket) =>
          void socket.end(head(status, 'content-length: 1000') + 'x');
        expect(await trial(broken('403 Forbidden'), options)).to.deep.equal({
          status: 'permanent',
          requests: 1,
        });
        expect(await trial(broken('503 Unavailable'), options)).to.deep.equal({
          status: 'retryable',
          requests: 3,
        });
      });

      it('of 408 and 425 asks for another attempt', async () => {
        for (const status of ['408 Request Timeout', '425 Too Early']) {
          const answer = (socket: Socket, nth: number) =>
            void socket.write(head(nth === 0 ? status : '200 OK', 'content-length: 0'));
          expect(await trial(answer, options)).to.deep.equal({ status: 'delivered', requests: 2 });
        }
      });

      it('of 101 is none: the next attempt may be one', async () => {
        const answer = (socket: Socket, nth: number) => {
          if (nth > 0) socket.write(head('200 OK', 'content-length: 0'));
          else socket.write(head('101 Switching Protocols', 'upgrade: x', 'connection: upgrade'));
        };
        expect(await trial(answer, options)).to.deep.equal({ status: 'delivered', requests: 2 });
      });

      it('is none where the head is a flood', async () => {
        const answer = (socket: Socket) =>
          void socket.write(
            head('200 OK', ...Array.from({ length: 3_000 }, (_, nth) => `x-${nth}: ${'y'.repeat(99)}`)),
          );
        expect(await trial(answer, options)).to.include({ status: 'retryable' });
      });
    });
  }

  it('is none where provisional answers never end', async () => {
    const answer = (socket: Socket) => {
      const timer = setInterval(() => socket.write(head('103 Early Hints').repeat(20)), 1);
      socket.on('close', () => clearInterval(timer));
    };
    expect(await trial(answer)).to.deep.equal({ status: 'retryable', requests: 3 });
  });

  it('is none where a kept connection is half closed, and then another is made', async () => {
    const answer = (socket: Socket, nth: number) => {
      socket.write(head('200 OK', 'content-length: 0', 'connection: keep-alive'));
      if (nth === 0) socket.end();
    };
    const receiver = await startRaw(answer);
    const sink = new HttpSink({ endpoint: receiver.url, retry: { maxAttempts: 1 } });
    for (let nth = 0; nth < 3; nth++)
      expect(await sink.emit([sampleRecord(nth)])).to.include({ status: 'delivered' });
    await sink.close();
    receiver.close();
  });
});

describe('the bytes of answers', () => {
  it('are unpacked for a check, and no further than they may be read', async () => {
    const seen: [string, boolean][] = [];
    for (const text of ['{"errors":false}', ' '.repeat(10_000_000)]) {
      const packed = gzipSync(text);
      const receiver = await startRaw((socket) => {
        socket.write(head('200 OK', 'content-encoding: gzip', `content-length: ${packed.length}`));
        socket.write(packed);
      });
      const sink = new HttpSink({
        endpoint: receiver.url,
        checkResponse: ({ body, complete }) => void seen.push([body, complete]),
      });
      expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' });
      await sink.close();
      receiver.close();
    }
    expect(seen).to.deep.equal([
      ['{"errors":false}', true],
      ['', false],
    ]);
  });
});
