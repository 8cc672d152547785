import { expect } from 'chai';
import { expectRecords, makeAhead } from '../../lib/processor/auditLog.js';
import { audited, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { MemorySink } from '../support/memorySink.js';

/** How many typed tables are made while something runs: those that texts are searched with are. */
async function tablesMade(act: () => unknown): Promise<number> {
  const own = Object.getOwnPropertyDescriptor(Int32Array, 'from');
  let made = 0;
  Object.defineProperty(Int32Array, 'from', {
    configurable: true,
    value: (...args: [ArrayLike<number>]) => (made++, new Int32Array(Array.from(...args))),
  });
  try {
    await act();
  } finally {
    if (own === undefined) Reflect.deleteProperty(Int32Array, 'from');
    else Object.defineProperty(Int32Array, 'from', own);
  }
  return made;
}

describe('what is made ahead', () => {
  it('is made for an audited client before it connects, so that no login waits for it', async () => {
    const { client, connect } = fullPairV1();
    // Names of its own: policies of the same names share their tables.
    const options = { redaction: { redactPatterns: ['madeahead'] } };
    expect(await tablesMade(() => audited(client, options))).to.be.above(0);
    const during = await tablesMade(async () => {
      await connect();
      await client.listTools();
      await settled();
    });
    expect(during).to.equal(0);
    await client.close();
  });

  it('is a first record, redacted as all are and written nowhere', async () => {
    const { client } = fullPairV1();
    const sink = new MemorySink();
    let asked = 0;
    Object.defineProperty(sink, 'destination', { get: () => `memory ${++asked}` });
    audited(client, { sink });
    expect(asked).to.be.above(0);
    await settled();
    expect(sink.records).to.deep.equal([]);
  });

  it('is the command of the server, which the handshake does not wait for', async () => {
    const { client, transport, connect } = fullPairV1();
    let redacted: string[] = [];
    const args = { get: () => (redacted.push('args'), ['server.js', '--token', 's3cret']) };
    const parameters = Object.defineProperty({ command: 'node' }, 'args', args);
    Object.defineProperty(transport, '_serverParams', { value: parameters });
    const sink = audited(client);
    const send = transport.send.bind(transport);
    transport.send = (...given) => {
      redacted = [];
      return send(...given);
    };
    await connect();
    expect(sink.records[0]?.mcp?.server_address).to.equal('node server.js --token [REDACTED]');
    expect(redacted).to.deep.equal([]);
  });

  it('is made at once where there is a client, and once', () => {
    expectRecords();
    let made = 0;
    makeAhead(() => made++);
    expectRecords();
    expect(made).to.equal(1);
  });
});
