import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { HttpSink } from '../../../lib/sinks/http/httpSink.js';
import { expectFailure } from '../../contract/sinkContract.js';
import { reset, startReceiver, type HttpReceiver } from '../../support/httpReceiver.js';
import { sampleRecord } from '../../support/sampleRecords.js';

describe('the connections of HttpSink', () => {
  let receiver: HttpReceiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());

  const once1 = { retry: { maxAttempts: 1 } };

  it('sends again at once when a kept connection turns out to be closed', async () => {
    const sink = new HttpSink({ endpoint: receiver.url, ...once1 });
    receiver.script = [200, reset, 200];
    await sink.emit([sampleRecord(0)]);
    expect(await sink.emit([sampleRecord(1)])).to.include({ status: 'delivered' });
    expect(receiver.requests).to.have.length(3);
  });

  it('does so once: a second reset is the receiver’s answer', async () => {
    const sink = new HttpSink({ endpoint: receiver.url, ...once1 });
    receiver.script = [200, reset, reset];
    await sink.emit([sampleRecord(0)]);
    const error = expectFailure(await sink.emit([sampleRecord(1)]), 'retryable');
    expect(error.message).to.contain('ECONNRESET');
  });

  it('takes a new connection’s reset for what it is', async () => {
    receiver.script = [reset];
    expectFailure(
      await new HttpSink({ endpoint: receiver.url, ...once1 }).emit([sampleRecord()]),
      'retryable',
    );
    expect(receiver.requests).to.have.length(1);
  });

  it('are kept between records, and given back by close', async () => {
    const sockets = new Set<unknown>();
    let open = 0;
    const server = createServer((request, response) => request.resume().on('end', () => response.end()));
    let allClosed: (() => void) | undefined;
    server.on('connection', (socket) => {
      sockets.add(socket);
      open++;
      socket.on('close', () => --open === 0 && allClosed?.());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const sink = new HttpSink({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    await sink.emit([0, 1, 2, 3].map((index) => sampleRecord(index)));
    expect(sockets).to.have.property('size', 1);
    const closed = new Promise<void>((resolve) => (allClosed = resolve));
    await sink.close();
    await closed;
    server.close();
  });
});
