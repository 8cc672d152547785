import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect } from 'chai';
import type { AuditOptions } from '../../lib/config.js';
import { audited } from '../support/audited.js';
import { startRawHttp, type RawHttp, type RawHttpOptions } from '../support/rawHttp.js';
import { fullPairV1 } from '../support/fullServerV1.js';

describe('who answered, and with what', () => {
  let server: RawHttp | undefined;
  afterEach(() => server?.close());

  const start = async (
    given: RawHttpOptions,
    capabilities: object = {},
    options: Partial<AuditOptions> = {},
  ) => {
    server = await startRawHttp(() => undefined, given);
    const client = new Client(
      { name: 'agent', version: '1.2.3' },
      { capabilities, versionNegotiation: { mode: 'auto' } },
    );
    const sink = audited(client, options);
    await client.connect(new StreamableHTTPClientTransport(server.url));
    return { client, sink };
  };

  it('is on each record, and says where it is another than was discovered', async () => {
    let serverInfo = { name: 'good', version: '1.0.0' };
    const { client, sink } = await start({ serverInfo: () => serverInfo });
    await client.callTool({ name: 'plain' });
    serverInfo = { name: 'other', version: '6.6.6' };
    await client.callTool({ name: 'plain' });
    serverInfo = { name: 'good', version: '1.0.1' };
    await client.callTool({ name: 'plain' });
    await client.close();
    const seen = sink.records.map(({ server_id, server_version, mcp }) => [
      ...[server_id, server_version, mcp?.discovered_server_id, mcp?.discovered_server_version],
    ]);
    expect(seen).to.deep.equal([
      ['good', '1.0.0', undefined, undefined],
      ['good', '1.0.0', undefined, undefined],
      ['other', '6.6.6', 'good', '1.0.0'],
      ['good', '1.0.1', 'good', '1.0.0'],
      ['good', '1.0.0', undefined, undefined],
    ]);
  });

  it('has the extensions that both sides offered on the login', async () => {
    const offered = { tools: {}, extensions: { 'io.example/a': {}, 'io.example/b': {} } };
    const { client, sink } = await start(
      { capabilities: offered },
      { extensions: { 'io.example/b': {}, 'io.example/c': {} } },
    );
    await client.callTool({ name: 'plain' });
    expect(sink.records[0]?.mcp?.extensions).to.deep.equal(['io.example/b']);
    expect(sink.only('tools/call').mcp).not.to.have.property('extensions');
    await client.close();
  });

  it("has the tool's hints as they were known at the call", async () => {
    const tools: object[] = [
      {
        ...{ name: 'plain', inputSchema: { type: 'object' } },
        annotations: { title: 'canary', readOnlyHint: true, destructiveHint: false },
      },
    ];
    const { client, sink } = await start({ tools });
    await client.callTool({ name: 'plain' });
    await client.listTools();
    await client.callTool({ name: 'plain' });
    tools[0] = { name: 'plain', inputSchema: { type: 'object' }, annotations: { destructiveHint: true } };
    await client.listTools(undefined, { cacheMode: 'refresh' } as never);
    await client.callTool({ name: 'plain' });
    expect(sink.of('tools/call').map(({ mcp }) => mcp?.tool_annotations)).to.deep.equal([
      undefined,
      { readOnlyHint: true, destructiveHint: false },
      { destructiveHint: true },
    ]);
    await client.close();
  });
});

describe('recordMeta', () => {
  const META = {
    turn: 7,
    'com.example/approver': 'bob',
    model: { name: 'm', api_key: 'canary-1' },
    note: 'password=canary-2',
    private: 'canary-3',
  };

  const recorded = async (options: Partial<AuditOptions>) => {
    const { client, connect } = fullPairV1();
    const sink = audited(client, options);
    await connect();
    await client.callTool({ name: 'echo', arguments: { message: 'm' }, _meta: META });
    await client.readResource({ uri: 'note://1', _meta: META });
    await client.close();
    return sink;
  };

  it('puts the named entries on record, redacted, and no other', async () => {
    const sink = await recorded({ recordMeta: ['turn', 'com.example/approver', 'model', 'note', 'absent'] });
    const expected = {
      ...{ turn: 7, 'com.example/approver': 'bob' },
      ...{ model: { name: 'm', api_key: '[REDACTED]' }, note: 'password=[REDACTED]' },
    };
    for (const method of ['tools/call', 'resources/read'])
      expect(sink.only(method).mcp?.meta).to.deep.equal(expected);
    expect(JSON.stringify(sink.records)).not.to.include('canary');
  });

  it('puts nothing there where nothing is named, or nothing named is given', async () => {
    for (const options of [{}, { recordMeta: [] }, { recordMeta: ['absent', 'toString', '__proto__'] }]) {
      const sink = await recorded(options);
      for (const { mcp } of sink.records) expect(mcp).not.to.have.property('meta');
    }
  });

  it('names what it is not', async () => {
    for (const recordMeta of ['turn', [''], [7]] as never[]) {
      const { client } = fullPairV1();
      expect(() => audited(client, { recordMeta })).to.throw(/recordMeta.*docs\/redaction\.md/);
    }
  });
});
