import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLine, encodeLine } from '../../lib/codecs/json.js';
import { verifyLogFile } from '../../lib/integrity/verification/verifyFile.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { auditLogOf } from '../../lib/withLogging.js';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { MemorySink } from '../support/memorySink.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** What the two SDKs' clients have in common here. */
interface AnyClient {
  readonly transport?: { send(message: object): Promise<void> } | undefined;
  listTools(): Promise<unknown>;
  ping(): Promise<unknown>;
  callTool(params: { name: string; arguments?: object }, ...rest: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

interface AnyPair {
  readonly client: AnyClient & Parameters<typeof audited>[0];
  connect(): Promise<void>;
}

const PAIRS: [name: string, make: () => AnyPair][] = [
  ['v1', () => fullPairV1() as unknown as AnyPair],
  ['v2, legacy', () => fullPairV2('legacy') as unknown as AnyPair],
  ['v2, modern', () => fullPairV2('modern') as unknown as AnyPair],
];

const digestOf = (ids: readonly string[]) =>
  createHash('sha256')
    .update(ids.map((id) => `${/^\d+$/.test(id) ? id : JSON.stringify(id)}\n`).join(''))
    .digest('hex');

/** The ids that the records of operations stand for, each once, in the order of the client's counter. */
const idsOf = (records: readonly AuditRecord[]) =>
  records
    .filter(({ mcp }) => mcp?.requested_by === undefined)
    .flatMap(({ mcp }) => [...new Set(mcp?.legs?.map((leg) => leg.request_id) ?? [mcp?.request_id])])
    .filter((id) => id !== undefined)
    .sort((a, b) => (Number.isNaN(Number(a)) ? 1 : Number.isNaN(Number(b)) ? -1 : Number(a) - Number(b)));

for (const [sdk, makePair] of PAIRS) {
  describe(`the requests of a session (SDK ${sdk})`, () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let path: string;
    beforeEach(() => {
      folder = temporaryFolder();
      path = join(folder.path, 'audit.jsonl');
    });
    afterEach(() => folder.remove());

    const work = async (client: AnyClient) => {
      await client.listTools();
      await Promise.all([client.listTools(), client.listTools()]);
      await client.ping().catch(() => undefined);
      await rejection(client.callTool({ name: 'no such tool' }));
    };
    const fileSink = () =>
      new FileSink({
        path,
        integrity: { origin: 'a/b', key: { generate: `${path}.key` } },
        onNotice: () => undefined,
      });
    const sessionsOf = async () => (await verifyLogFile(path, {})).sessions;

    it('are counted on the wire and on record when it is closed, with a digest of their ids', async () => {
      const { client, connect } = makePair();
      const sink = audited(client);
      await connect();
      await work(client);
      // No request: nobody answers it.
      await client.transport?.send({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
      await client.close();
      const ids = idsOf(sink.records);
      expect(ids.length).to.be.greaterThan(4);
      expect(sink.only('close').mcp?.requests).to.deep.equal({
        sent: ids.length,
        recorded: ids.length,
        sha256: digestOf(ids),
      });
    });

    it('are told of where no record stands for one of them', async () => {
      const { client, connect } = makePair();
      const sink = audited(client);
      await connect();
      await client.transport?.send({ jsonrpc: '2.0', id: 'mine', method: 'ping' });
      await client.close();
      const { requests } = sink.only('close').mcp ?? {};
      expect(requests)
        .to.include({ missing: 1 })
        .and.to.deep.include({ missing_ids: ['mine'] });
      expect(requests?.sent).to.equal((requests?.recorded ?? 0) + 1);
    });

    it('count as left out where the policy leaves them out', async () => {
      const { client, connect } = makePair();
      const sink = audited(client, {
        redaction: { levels: { tools: { 'no such tool': 'None' }, allowNone: true } },
      });
      await connect();
      await rejection(client.callTool({ name: 'no such tool' }));
      await client.close();
      expect(sink.of('tools/call')).to.deep.equal([]);
      const ids = idsOf(sink.records);
      const { requests } = sink.only('close').mcp ?? {};
      expect(requests).to.include({ recorded: ids.length, excluded: 1, sha256: digestOf(ids) });
      expect(requests).not.to.have.property('missing');
    });

    it('that are under way at the end are on record, and complete it', async () => {
      const { client, connect } = makePair();
      audited(client, { sink: fileSink() });
      await connect();
      const calls = [client.listTools(), client.listTools()].map((call) => rejection(call));
      await client.close();
      await Promise.all(calls);
      await settled();
      await auditLogOf(client)?.shutdown();
      expect(await sessionsOf()).to.include({ complete: 1, different: 0, open: 0 });
    });

    it('tell verify which sessions were closed complete, which were not closed, and which differ', async () => {
      const sink = fileSink();
      const sessions: AnyClient[] = [];
      for (let count = 0; count < 3; count++) {
        const { client, connect } = makePair();
        audited(client, { sink, sessionId: 'one for all' });
        await connect();
        await client.listTools();
        sessions.push(client);
      }
      await sessions[1]?.transport?.send({ jsonrpc: '2.0', id: 'mine', method: 'ping' });
      await sessions[0]?.close();
      await sessions[1]?.close();
      await auditLogOf(sessions[0] as never)?.shutdown();
      const found = await sessionsOf();
      expect(found).to.include({ complete: 1, different: 1, open: 1, uncounted: 0 });
      expect(found?.differences[0]?.difference).to.match(/^1 of \d+ requests are not in this log, 1 of them/);
      await sessions[2]?.close().catch(() => undefined);
    });

    it('are missed by verify where a record is gone that the closing record counts', async () => {
      const { client, connect } = makePair();
      audited(client, { sink: new FileSink(path) });
      await connect();
      await work(client);
      await client.close();
      await auditLogOf(client)?.shutdown();
      expect(await sessionsOf()).to.include({ complete: 1, different: 0 });
      const records = readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => decodeLine(line));
      const rewrite = (kept: readonly AuditRecord[]) =>
        writeFileSync(path, kept.map((record) => `${encodeLine(record)}\n`).join(''));
      const listed = records.filter(({ mcp }) => mcp?.method === 'tools/list');
      rewrite(records.filter((record) => record !== listed[1]));
      expect(await sessionsOf()).to.include({ complete: 0, different: 1 });
      // One in the place of another: the counts agree, the digest does not.
      rewrite(
        records.map((record) =>
          record === listed[1] ? { ...record, mcp: { ...record.mcp!, request_id: '4711' } } : record,
        ),
      );
      expect((await sessionsOf())?.differences[0]?.difference).to.include('others than those that were sent');
      // Two of one and none of the other.
      rewrite(records.map((record) => (record === listed[1] ? listed[0]! : record)));
      expect(await sessionsOf()).to.include({ different: 1 });
      // Arguments that look like the fields of a record change nothing.
      rewrite(
        records.map((record) =>
          record === listed[1]
            ? {
                ...record,
                mcp: {
                  ...record.mcp!,
                  tool_arguments: { request_id: '9', legs: [{ request_id: '77' }], stage: 'x' },
                },
              }
            : record,
        ),
      );
      expect(await sessionsOf()).to.include({ complete: 1, different: 0 });
    });
  });
}

describe('the record that a log begins with', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());

  const run = async (options: Parameters<typeof audited>[1]) => {
    const { client, connect } = fullPairV1();
    const path = join(folder.path, 'audit.jsonl');
    const file = new FileSink(path);
    audited(client, { sink: file, ...options });
    const before = readFileSync(path, 'utf8');
    await connect();
    await client.close();
    await auditLogOf(client)?.shutdown();
    if (options?.sink !== undefined) await file.close();
    expect(before).to.equal('');
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => decodeLine(line));
  };

  it('says what is patched, and which policy is in force; the last one that it was shut down', async () => {
    const records = await run({ redactPatterns: ['iban', /^x-/], mode: 'batch' });
    expect(records.map(({ resource, seq }) => [resource, seq])).to.deep.equal([
      ['audit/start', 0],
      ['session/initialize', 1],
      ['session/close', 2],
      ['audit/stop', 3],
    ]);
    const { patched, policy } = records[0]?.data as {
      patched: { how: string; class: string; sdk: string; methods: string[] }[];
      policy: Record<string, unknown>;
    };
    const own = patched.find((each) => each.how === 'withLogging' && each.class === 'Client');
    expect(records[3]?.data).to.deep.include({ ended_by: 'shutdown', patched, policy });
    expect(own?.methods).to.include.members(['connect', 'callTool', 'request', 'close']);
    expect(policy).to.include({ mode: 'batch', include_outputs: false });
    expect(policy['redaction_sha256']).to.match(/^[0-9a-f]{64}$/);
  });

  it('has another digest for another policy, the same for the same, and no secret', async () => {
    const hmacKey = 'k'.repeat(40);
    const digests: unknown[] = [];
    for (const redaction of [
      { replacement: 'hmac', hmacKey },
      { replacement: 'hmac', hmacKey },
      { uriPath: true },
    ] as const) {
      folder.remove();
      folder = temporaryFolder();
      const records = await run({ redaction });
      expect(JSON.stringify(records)).not.to.include('kkkk');
      digests.push((records[0]?.data as { policy: Record<string, unknown> }).policy['redaction_sha256']);
    }
    expect(digests[0]).to.equal(digests[1]).and.not.to.equal(digests[2]);
  });

  it('is there by default where a file keeps the log, and elsewhere only where it is asked for', async () => {
    const memory = new MemorySink();
    await run({ sink: memory });
    expect(memory.records.map(({ resource }) => resource)).to.deep.equal([
      'session/initialize',
      'session/close',
    ]);
    const asked = new MemorySink();
    await run({ sink: asked, startRecord: true });
    expect(asked.records[0]?.resource).to.equal('audit/start');
    const records = await run({ startRecord: false });
    expect(records.map(({ resource }) => resource)).to.deep.equal(['session/initialize', 'session/close']);
  });

  it('is one for all clients of a log', async () => {
    const path = join(folder.path, 'audit.jsonl');
    const sink = new FileSink(path);
    for (let count = 0; count < 2; count++) {
      const { client, connect } = fullPairV1();
      audited(client, { sink });
      await connect();
      await client.close();
      if (count === 1) await auditLogOf(client)?.shutdown();
    }
    const resources = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => decodeLine(line).resource);
    expect(resources.filter((resource) => resource.startsWith('audit/'))).to.deep.equal([
      'audit/start',
      'audit/stop',
    ]);
  });
});
