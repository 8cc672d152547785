import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { audited, rejection, relink, settled } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { runNode } from '../support/node.js';
import { sha256 } from '../support/sha256.js';

const ends = (records: readonly AuditRecord[]) =>
  records.map(({ event_type, outcome, error }) => [event_type, outcome, error?.message].filter(Boolean));

const LOGIN = ['EVENT_LOGIN', 'OUTCOME_SUCCESS'];
const LOGOUT = ['EVENT_LOGOUT', 'OUTCOME_SUCCESS'];

async function server(): Promise<InMemoryTransport> {
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await new McpServer({ name: 'another', version: '9.9.9' }).connect(serverSide);
  return clientSide;
}

describe('sessions', () => {
  it('end once, however often and however many at a time close', async () => {
    const { client, connect } = pair();
    const sink = audited(client);
    await client.close();
    await connect();
    await Promise.all([client.close(), client.close()]);
    await client.close();
    expect(ends(sink.records)).to.deep.equal([LOGIN, LOGOUT]);
  });

  it('begin anew with each connection, each under what its own server said', async () => {
    const { client, connect, server: first } = pair();
    const sink = audited(client);
    await connect();
    await first.close();
    await client.connect(await server());
    await client.close();
    await settled();
    expect(ends(sink.records)).to.deep.equal([
      LOGIN,
      ['EVENT_LOGOUT', 'OUTCOME_FAILURE_ERROR', 'the transport was lost'],
      LOGIN,
      LOGOUT,
    ]);
    expect(sink.records.map(({ server_id }) => server_id)).to.deep.equal([
      'fixture',
      'fixture',
      'another',
      'another',
    ]);
    expect(new Set(sink.records.map(({ session_id }) => session_id)).size).to.equal(2);
  });

  it('name the loss of the transport by its own event in profile 0.2', async () => {
    const { client, connect, server: first } = pair();
    const sink = audited(client, { profile: '0.2' });
    await connect();
    await first.close();
    await settled();
    expect(sink.only('close').event_type).to.equal('EVENT_TRANSPORT_DISCONNECT');
  });

  it('outlast a second connect that the SDK refuses', async () => {
    const { client, connect } = pair();
    const sink = audited(client);
    await connect();
    await rejection(client.connect(await server()));
    await client.callTool({ name: 'echo', arguments: {} });
    await client.close();
    expect(ends(sink.records).map(([event, outcome]) => [event, outcome])).to.deep.equal([
      LOGIN,
      ['EVENT_LOGIN', 'OUTCOME_FAILURE_ERROR'],
      ['EVENT_TOOL_INVOCATION', 'OUTCOME_SUCCESS'],
      LOGOUT,
    ]);
    expect(sink.only('close').session_id).to.equal(sink.only('tools/call').session_id);
  });

  it('end where v2 lets another connection take their place', async () => {
    const { client, connect } = fullPairV2('legacy');
    const sink = audited(client);
    await connect();
    await client.connect((await server()) as never);
    await client.close();
    await settled();
    expect(ends(sink.records)).to.deep.equal([
      LOGIN,
      ['EVENT_LOGOUT', 'OUTCOME_FAILURE_ERROR', 'another connection took its place'],
      LOGIN,
      LOGOUT,
    ]);
  });

  it('stay open where closing fails, and end when it succeeds', async () => {
    const { client, connect, transport } = pair();
    const sink = audited(client);
    await connect();
    const close = transport.close.bind(transport);
    transport.close = () => Promise.reject(new Error('not now'));
    await rejection(client.close());
    transport.close = close;
    await client.close();
    expect(ends(sink.records)).to.deep.equal([
      LOGIN,
      ['EVENT_LOGOUT', 'OUTCOME_FAILURE_ERROR', 'not now'],
      LOGOUT,
    ]);
  });

  it('serve again over the same transport', async () => {
    const { client, connect, transport, server: mcp } = pair();
    const sink = audited(client);
    await connect();
    await client.close();
    await mcp.connect(relink(transport, InMemoryTransport));
    await client.connect(transport);
    await client.callTool({ name: 'echo', arguments: {} });
    await client.close();
    expect(ends(sink.records).map(([event]) => event)).to.deep.equal([
      'EVENT_LOGIN',
      'EVENT_LOGOUT',
      'EVENT_LOGIN',
      'EVENT_TOOL_INVOCATION',
      'EVENT_LOGOUT',
    ]);
    expect(sink.only('tools/call').mcp).not.to.have.property('legs');
  });

  it('need no handshake where v2 knows the server from before', async () => {
    const first = fullPairV2('modern');
    await first.connect();
    const discover = first.client.getDiscoverResult()!;
    const { client, connect, received } = fullPairV2('modern');
    const sink = audited(client);
    await connect({ prior: { kind: 'modern', discover } });
    expect(received).to.have.length(0);
    expect(sink.only('initialize').mcp).to.include({ served_from: 'local' });
    expect(sink.only('initialize')).to.include({ outcome: 'OUTCOME_SUCCESS', server_id: 'full' });
  });

  it('of v1 need none where the transport has a session already', async () => {
    const { client, connect, transport } = pair();
    const sink = audited(client);
    transport.sessionId = 'from-before';
    await connect();
    expect(sink.only('initialize').mcp).to.include({
      served_from: 'local',
      session_id: `sha256:${sha256('from-before')}`,
    });
  });

  for (const [how, code] of [
    ['comes to its end', ''],
    ['is ended by the application', 'process.exit(0)'],
  ]) {
    it(`end when the process ${how}, and are on file where the pipeline follows the process`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-'));
      const path = join(folder, 'audit.jsonl');
      const script = `
        import { pair } from './spec/support/inMemory.ts';
        import { resolveOptions } from './lib/config.ts';
        import { followProcess } from './lib/pipeline/lifecycle.ts';
        import { createAuditLog } from './lib/processor/auditLog.ts';
        import { FileSink } from './lib/sinks/file/fileSink.ts';
        import { withLogging } from './lib/withLogging.ts';
        const options = { sink: new FileSink(${JSON.stringify(path)}), environment: 'test' };
        followProcess(createAuditLog(resolveOptions(options)).pipeline);
        const { client, connect } = pair();
        // What nothing refers to may be collected before the end, and its session with it.
        globalThis.kept = client;
        withLogging(client, options);
        await connect();
        ${code}`;
      const { stderr, code: status } = await runNode(['--import=tsx', '--input-type=module', '-e', script]);
      expect(status, stderr).to.equal(0);
      const lines = readFileSync(path, 'utf8').trim().split('\n');
      rmSync(folder, { recursive: true });
      const records = lines.map((line) => JSON.parse(line) as AuditRecord);
      expect(ends(records.filter(({ mcp }) => mcp !== undefined))).to.deep.equal([
        LOGIN,
        ['EVENT_LOGOUT', 'OUTCOME_FAILURE_ERROR', 'the process ended with the session open'],
      ]);
    });
  }
});
