import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Agent, ProxyAgent, fetch as undiciFetch, type Dispatcher } from 'undici';
import { HttpSink, type HttpSinkOptions } from '../../../lib/sinks/http/httpSink.js';
import { expectFailure } from '../../contract/sinkContract.js';
import { makeAuthority } from '../../support/certificates.js';
import { startReceiver, type HttpReceiver } from '../../support/httpReceiver.js';
import { sampleRecord } from '../../support/sampleRecords.js';

/** What the documentation shows: undici's own fetch with a dispatcher of the user's. */
function fetchThrough(dispatcher: Dispatcher): NonNullable<HttpSinkOptions['fetch']> {
  return (url, init) => undiciFetch(url, { ...init, dispatcher } as never) as never;
}

const authority = makeAuthority();
const good = authority.issue('localhost');

describe('HttpSink over TLS', () => {
  let receiver: HttpReceiver | undefined;
  afterEach(async () => receiver?.close());

  const once = { retry: { maxAttempts: 1 } };
  const trusting = (): Agent => new Agent({ connect: { ca: authority.ca } });

  it('delivers to a receiver whose certificate is trusted', async () => {
    receiver = await startReceiver(good);
    const sink = new HttpSink({ endpoint: receiver.url, fetch: fetchThrough(trusting()) });
    expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' });
  });

  const bad: [string, () => { tls: typeof good; dispatcher?: Dispatcher }, string][] = [
    ['of an unknown authority', () => ({ tls: good }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [
      'that has expired',
      () => ({ tls: authority.issue('localhost', { expired: true }), dispatcher: trusting() }),
      'CERT_HAS_EXPIRED',
    ],
    [
      'of another host',
      () => ({ tls: authority.issue('other.example'), dispatcher: trusting() }),
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
  ];
  for (const [what, setUp, code] of bad) {
    it(`sends nothing to a receiver with a certificate ${what}`, async () => {
      const { tls, dispatcher } = setUp();
      receiver = await startReceiver(tls);
      const sink = new HttpSink({
        endpoint: receiver.url,
        ...once,
        ...(dispatcher && { fetch: fetchThrough(dispatcher) }),
      });
      expect(expectFailure(await sink.emit([sampleRecord()])).message).to.contain(code);
      expect(receiver.requests).to.deep.equal([]);
    });
  }

  it('shows a client certificate (mutual TLS)', async () => {
    receiver = await startReceiver({
      ...good,
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const client = authority.issue('client.example');
    const withOne = new Agent({ connect: { ca: authority.ca, ...client } });
    const sink = new HttpSink({ endpoint: receiver.url, fetch: fetchThrough(withOne) });
    expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' });
    const without = new HttpSink({ endpoint: receiver.url, ...once, fetch: fetchThrough(trusting()) });
    expectFailure(await without.emit([sampleRecord()]));
    expect(receiver.requests).to.have.length(1);
  });

  it('goes through a proxy', async () => {
    receiver = await startReceiver();
    const targets: string[] = [];
    const proxy = createServer((_, response) => response.writeHead(501).end());
    proxy.on('connect', (asked, socket) => {
      targets.push(asked.url ?? '');
      const [host, port] = (asked.url ?? '').split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const dispatcher = new ProxyAgent(`http://127.0.0.1:${port}`);
    const sink = new HttpSink({ endpoint: receiver.url, fetch: fetchThrough(dispatcher) });
    expect(await sink.emit([sampleRecord()])).to.include({ status: 'delivered' });
    expect(targets).to.deep.equal([new URL(receiver.url).host]);
    await dispatcher.close();
    proxy.close();
  });
});
