import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { decodeLine, encodeLine } from '../../lib/codecs/json.js';
import { SyslogSink, type SyslogSinkOptions } from '../../lib/sinks/syslogSink.js';
import { expectFailure, sinkContract } from '../contract/sinkContract.js';
import { makeAuthority } from '../support/certificates.js';
import { freePort } from '../support/freePort.js';
import { rsyslogIsHere, startRsyslog, type Rsyslog } from '../support/rsyslog.js';
import { sampleRecord, sampleRecords } from '../support/sampleRecords.js';

const QUICK = { retry: { maxAttempts: 1_000, initialDelayMs: 10, maxDelayMs: 100 }, timeoutMs: 10_000 };
const because = rsyslogIsHere ? '' : ' (skipped: not installed: apt-get install rsyslog rsyslog-gnutls)';
const page = readFileSync(new URL('../../docs/destinations.md', import.meta.url), 'utf8');
const documented = /```text\n(global[^`]+)```/.exec(page)?.[1] ?? '';

describe(`SyslogSink with rsyslog over TLS${because}`, () => {
  let rsyslog: Rsyslog;
  beforeEach(async function () {
    if (!rsyslogIsHere) return this.skip();
    this.timeout(20_000);
    rsyslog = await startRsyslog(documented);
  });
  afterEach(() => rsyslog?.close());
  const make = (options: Partial<SyslogSinkOptions> = {}) =>
    new SyslogSink({ endpoint: rsyslog.url, tls: { ca: rsyslog.ca }, ...QUICK, ...options });

  it('arrives as messages whose fields rsyslog parses and whose text is the line of a file', async () => {
    const long = sampleRecord(9, { message: 'x'.repeat(60_000) });
    const records = [...sampleRecords(), long];
    const sink = make();
    expect(await sink.emit(records)).to.deep.equal({ status: 'delivered', ack: 'written' });
    await sink.close();
    const messages = await rsyslog.wrote(records.length);
    expect(messages.map(({ text }) => text)).to.deep.equal(records.map((record) => encodeLine(record)));
    expect(messages[0]).to.deep.include({
      facility: 'audit',
      severity: 'info',
      time: '2026-01-15T09:30:00.125Z',
      app: 'mcp-client',
      process: String(process.pid),
      id: 'TOOL_INVOCATION',
    });
    expect(messages[0]?.structured).to.match(
      /^\[origin software="otel-mcp-log" swVersion="[^"]+"\]\[meta sequenceId="1"\]$/,
    );
    expect(messages.find(({ text }) => text.includes('SEVERITY_ERROR'))?.severity).to.equal('err');
  });

  it('loses nothing when rsyslog is killed between two batches and starts again', async function () {
    this.timeout(30_000);
    const sink = make();
    const records = Array.from({ length: 20 }, (_, seq) => sampleRecord(seq));
    await sink.emit(records.slice(0, 10));
    await rsyslog.end('SIGKILL');
    const waiting = sink.emit(records.slice(10));
    await rsyslog.start();
    expect(await waiting).to.have.property('status', 'delivered');
    const messages = await rsyslog.wrote(records.length);
    await sink.close();
    expect(new Set(messages.map(({ text }) => decodeLine(text).seq))).to.deep.equal(
      new Set(records.map(({ seq }) => seq)),
    );
  });

  it('speaks to nobody whose certificate it does not know', async () => {
    const stranger = make({ tls: { ca: makeAuthority().ca }, retry: { maxAttempts: 1 } });
    const error = expectFailure(await stranger.emit([sampleRecord()]), 'retryable');
    expect(error.message).to.match(/CERT|SIGNATURE/);
    const misnamed = make({
      endpoint: rsyslog.url.replace('localhost', '127.0.0.1'),
      retry: { maxAttempts: 1 },
    });
    expect(expectFailure(await misnamed.emit([sampleRecord()])).message).to.include(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
    expect(rsyslog.messages()).to.deep.equal([]);
  });
});

/** A receiver that reads frames by their length, and may be broken. */
async function startFrameReceiver() {
  const texts: string[] = [];
  const sockets = new Set<Socket>();
  const port = await freePort();
  let server: Server | undefined;
  const receiver = {
    texts,
    url: `tcp://127.0.0.1:${port}`,
    start: () =>
      new Promise<void>((resolve) => {
        server = createServer((socket) => {
          sockets.add(socket);
          let rest = Buffer.alloc(0);
          socket.on('error', () => undefined);
          socket.on('data', (bytes) => {
            rest = Buffer.concat([rest, bytes]);
            for (;;) {
              const space = rest.indexOf(0x20);
              const length = Number(rest.subarray(0, space).toString());
              if (space < 0 || rest.byteLength < space + 1 + length) return;
              texts.push(rest.subarray(space + 1, space + 1 + length).toString());
              rest = rest.subarray(space + 1 + length);
            }
          });
        }).listen(port, '127.0.0.1', resolve);
      }),
    stop: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.resetAndDestroy();
        sockets.clear();
        if (server?.listening) server.close(() => resolve());
        else resolve();
      }),
    lines: () => texts.map((text) => text.slice(text.indexOf('{'))),
  };
  await receiver.start();
  return receiver;
}

sinkContract(
  'SyslogSink',
  async () => {
    const receiver = await startFrameReceiver();
    const settled = async () => {
      for (let before = -1; before !== receiver.texts.length;) {
        before = receiver.texts.length;
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      return receiver.lines();
    };
    return {
      sink: new SyslogSink({ endpoint: receiver.url, retry: { maxAttempts: 1 }, timeoutMs: 2_000 }),
      received: async () => (await settled()).map((line) => decodeLine(line)),
      lines: settled,
      breakReceiver: receiver.stop,
      dispose: receiver.stop,
    };
  },
  { writesLines: true },
);

describe('SyslogSink', () => {
  it('writes again what was written last when a connection breaks, up to resendBytes', async () => {
    const receiver = await startFrameReceiver();
    const frames = (resendBytes: number) => new SyslogSink({ endpoint: receiver.url, resendBytes, ...QUICK });
    const seqs = () => receiver.lines().map((line) => decodeLine(line).seq);
    const until = async (seq: number) => {
      while (seqs().at(-1) !== seq) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    try {
      const length = Buffer.byteLength(encodeLine(sampleRecord()));
      for (const [resendBytes, expected] of [
        [0, [0, 1, 2, 3]],
        [2.5 * length, [0, 1, 2, 1, 2, 3]],
        [256 * 1024, [0, 1, 2, 0, 1, 2, 3]],
      ] as const) {
        receiver.texts.length = 0;
        const sink = frames(Math.round(resendBytes));
        await sink.emit([0, 1, 2].map((seq) => sampleRecord(seq)));
        await until(2);
        await receiver.stop();
        await receiver.start();
        // The reset has reached the sink's socket when a new connection to the same port has been made and answered.
        await new Promise((resolve) => setTimeout(resolve, 50));
        await sink.emit([sampleRecord(3)]);
        await until(3);
        expect(seqs()).to.deep.equal(expected);
        await sink.close();
      }
    } finally {
      await receiver.stop();
    }
  });

  it('lets the process end while its connection is idle', async () => {
    const receiver = await startFrameReceiver();
    /** Sockets that keep the event loop alive. */
    const alive = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = alive();
    const sink = new SyslogSink({ endpoint: receiver.url, ...QUICK });
    await sink.emit([sampleRecord()]);
    while (receiver.texts.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // The other end of the connection, in this very process.
    expect(alive() - before).to.equal(1);
    await sink.close();
    await receiver.stop();
  });

  it('begins sequenceId anew after its largest value (RFC 5424, 7.3.1)', async () => {
    const receiver = await startFrameReceiver();
    const sink = new SyslogSink({ endpoint: receiver.url, ...QUICK });
    await sink.emit([2 ** 31 - 2, 2 ** 31 - 1].map((seq) => sampleRecord(1, { seq })));
    await sink.close();
    await receiver.stop();
    expect(receiver.texts.map((text) => /sequenceId="(\d+)"/.exec(text)?.[1])).to.deep.equal([
      '2147483647',
      '1',
    ]);
  });

  it('keeps header fields printable, whatever a record says', async () => {
    const receiver = await startFrameReceiver();
    const sink = new SyslogSink({ endpoint: receiver.url, ...QUICK });
    await sink.emit([sampleRecord(0, { component: 'a b\n<1>ü'.padEnd(80, 'x') })]);
    await sink.close();
    await receiver.stop();
    expect(receiver.texts[0]).to.match(/^<110>1 \S+ \S+ a_b_<1>_x{39,} \d+ TOOL_INVOCATION \[/);
  });

  it('refuses what cannot work', () => {
    const refused = (options: object, text: string) =>
      expect(() => new SyslogSink(options as SyslogSinkOptions)).to.throw(text);
    refused({ endpoint: 'tcp://logs.example.com' }, 'tcp:// only to this machine');
    refused({ endpoint: 'udp://127.0.0.1' }, "expected an address such as 'tls://logs.example.com:6514'");
    refused({ endpoint: 'tls://' }, 'expected an address');
    refused({ endpoint: 'tls://logs.example.com', appName: 'a b' }, 'SyslogSink.appName');
    refused({ endpoint: 'tls://logs.example.com', facility: 24 }, 'SyslogSink.facility');
    expect(new SyslogSink({ endpoint: 'tls://logs.example.com' }).destination).to.equal(
      'tls://logs.example.com:6514',
    );
  });
});
