import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect } from 'chai';
import type { AuditRecord } from '../../../lib/schema/record.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../../../lib/withLogging.js';
import { everything, recordBothSides, reconcile, type Use } from '../../support/reconciled.js';
import { runCommand } from '../../support/runCommand.js';
import { SERVED } from '../../support/servedPair.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('reconcile, by logs that clients and servers wrote', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const at = (name: string) => join(folder.path, name);
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());

  const log = (name: string) => new FileSink(at(name));
  const lines = (name: string) => readFileSync(at(name), 'utf8').trim().split('\n');
  const parsed = (name: string) => lines(name).map((line) => JSON.parse(line) as AuditRecord);
  const edit = (name: string, change: (record: AuditRecord) => AuditRecord | undefined, to = name) =>
    writeFileSync(
      at(to),
      parsed(name)
        .map(change)
        .filter((record) => record !== undefined)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(''),
    );

  for (const sdk of ['v1', 'v2'] as const) {
    describe(`SDK ${sdk}`, () => {
      it('finds every request on both sides, and alike', async () => {
        await recordBothSides(folder.path, sdk, everything);
        const report = await reconcile(at('client.jsonl'), at('server.jsonl'));
        expect(report.findings).to.deep.equal([]);
        expect(report).to.deep.include({
          ok: true,
          code: 0,
          pairs: 13,
          alike: 13,
          only_client: 0,
          only_server: 0,
        });
        expect(report.paired_by).to.include({ commitment: 12, span: 1 });
        expect(report.compared.arguments).to.equal(12);
        expect(report.compared.result).to.be.at.least(9);
      });

      it('pairs without commitments by the span, and compares what it can', async () => {
        await recordBothSides(folder.path, sdk, everything, {});
        const report = await reconcile(at('server.jsonl'), at('client.jsonl'));
        expect(report).to.deep.include({
          ok: true,
          pairs: 13,
          alike: 13,
          compared: { arguments: 0, result: 0 },
        });
        expect(report.paired_by).to.include({ commitment: 0, span: 13 });
      });
    });
  }

  it('tells which of the two sides was changed, and in what', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    const isEcho = ({ mcp }: AuditRecord) => mcp?.tool_name === 'echo';
    for (const [name, change, differences] of [
      ['server.jsonl', { outcome: 'OUTCOME_FAILURE_DENIED' }, ['outcome']],
      ['server.jsonl', { duration_ms: 60_000 }, ['duration']],
      ['client.jsonl', { duration_ms: 60_000 }, ['duration']],
      ['client.jsonl', { commitments: { key: 'k', arguments: 'a'.repeat(64) } }, ['commitment']],
    ] as const) {
      let changed = false;
      edit(
        name,
        (record) => {
          if (changed || !isEcho(record)) return record;
          changed = true;
          return { ...record, ...change } as AuditRecord;
        },
        'changed.jsonl',
      );
      const other = name === 'client.jsonl' ? 'server.jsonl' : 'client.jsonl';
      const report = await reconcile(at('changed.jsonl'), at(other));
      expect(report.findings.map((each) => each.in)).to.deep.equal([differences]);
      expect(report).to.deep.include({ code: 1, different: 1, alike: 12 });
    }
  });

  it('finds what was changed on the way, though each log by itself is sound', async () => {
    const { client, server, connect } = SERVED.v1(() => undefined);
    const base = { environment: 'test' };
    withLogging(client as unknown as Client, {
      ...base,
      propagateCommitments: true,
      sink: log('client.jsonl'),
    });
    withLogging(server, { ...base, sink: log('server.jsonl') });
    await connect();
    // Something between the two: a proxy that changes arguments and results.
    const transport = server.server.transport as unknown as {
      onmessage(message: object, extra?: unknown): void;
    };
    const deliver = transport.onmessage;
    transport.onmessage = (message, extra) => {
      const text = JSON.stringify(message).replace('"pay 10"', '"pay 99"');
      deliver.call(transport, JSON.parse(text) as object, extra);
    };
    const back = (client as unknown as { transport: typeof transport }).transport;
    const receive = back.onmessage;
    back.onmessage = (message, extra) => {
      const text = JSON.stringify(message).replace('said hello', 'said hullo');
      receive.call(back, JSON.parse(text) as object, extra);
    };
    await client.callTool({ name: 'echo', arguments: { message: 'pay 10' } });
    await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    await client.callTool({ name: 'echo', arguments: { message: 'as it is' } });
    await client.close();
    for (const each of [client, server]) await auditLogOf(each as never)?.shutdown();
    const report = await reconcile(at('client.jsonl'), at('server.jsonl'));
    expect(report.findings.map((each) => each.in)).to.deep.equal([['arguments'], ['result']]);
    expect(report.alike).to.equal(report.pairs - 2);
  });

  it('says of what is missing whether a log has a hole, breaks off, or lacks it for no reason', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    const calls = parsed('server.jsonl').filter(({ mcp }) => mcp?.tool_name === 'echo');
    const gone = calls[1]?.record_id;
    edit('server.jsonl', (record) => (record.record_id === gone ? undefined : record), 'hole.jsonl');
    const hole = await reconcile(at('client.jsonl'), at('hole.jsonl'));
    expect(hole).to.deep.include({ code: 1, only_client: 1, unexplained: 1, reasons: { removed: 1 } });
    expect(hole.findings).to.have.length(1);

    let seq = 0;
    edit('hole.jsonl', (record) => ({ ...record, seq: seq++ }), 'renumbered.jsonl');
    const missing = await reconcile(at('client.jsonl'), at('renumbered.jsonl'));
    expect(missing.reasons).to.deep.equal({ missing: 1 });

    writeFileSync(at('killed.jsonl'), `${lines('server.jsonl').slice(0, -4).join('\n')}\n`);
    const killed = await reconcile(at('client.jsonl'), at('killed.jsonl'));
    expect(killed.reasons).to.deep.equal({ crashed: 2 });

    edit(
      'client.jsonl',
      (record) => (record.mcp?.tool_name === 'broken' ? undefined : record),
      'clientHole.jsonl',
    );
    const ofClient = await reconcile(at('clientHole.jsonl'), at('server.jsonl'));
    expect(ofClient).to.deep.include({ code: 1, only_server: 1, reasons: { removed: 1 } });
  });

  it('compares no HTTP requests, of which a server may keep records too: they are no requests of MCP', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    const [first] = parsed('server.jsonl').filter(({ mcp }) => mcp?.method === 'tools/call');
    const mcp = { method: 'http/request', side: 'server', http_status: 401 };
    const refused = { ...first, resource: 'http/mcp', session_id: 'nobody', trace_id: 'f'.repeat(32), mcp };
    writeFileSync(at('server.jsonl'), `${lines('server.jsonl').join('\n')}\n${JSON.stringify(refused)}\n`);
    const report = await reconcile(at('client.jsonl'), at('server.jsonl'));
    expect(report).to.deep.include({ code: 0, only_server: 0, reasons: {} });
  });

  it('says before it reads that its output cannot be written', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    writeFileSync(at('server.jsonl'), 'no record\n');
    const output = at('nowhere/report.json');
    const { code, err } = await runCommand([
      ...['reconcile', at('client.jsonl'), at('server.jsonl'), '-o', output],
    ]);
    expect(code).to.equal(3);
    expect(err).to.contain('nowhere').and.not.contain('not an audit record');
  });

  it('takes what never went over the wire, and clients and servers of others, for what they are', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    const names: [string, string] = ['otherClient.jsonl', 'otherServer.jsonl'];
    await recordBothSides(folder.path, 'v2', everything, {}, names);
    const foreign = await reconcile(at('client.jsonl'), at('server.jsonl'), at('otherServer.jsonl'));
    // Both clients have the same name, so that only the spans tell that the second one's log is not here.
    expect(foreign.pairs).to.equal(13);
    expect(foreign.only_server).to.equal(13);
    edit('otherServer.jsonl', (record) => ({ ...record, client_id: 'somebody else' }));
    const named = await reconcile(at('client.jsonl'), at('server.jsonl'), at('otherServer.jsonl'));
    expect(named.reasons).to.have.property('foreign_client');
    expect(named.reasons).not.to.have.property('missing');
    const other = await reconcile(at('client.jsonl'), at('otherClient.jsonl'), at('server.jsonl'));
    expect(other).to.deep.include({ code: 0, reasons: { other_server: 13 } });

    const { client, server, connect } = SERVED.v1(() => undefined);
    withLogging(client as unknown as Client, {
      environment: 'test',
      sink: log('refusing.jsonl'),
      actorId: () => undefined,
      requireActor: true,
    });
    withLogging(server, { environment: 'test', sink: log('unasked.jsonl') });
    await connect().catch(() => undefined);
    for (const each of [client, server]) await auditLogOf(each as never)?.shutdown();
    const refused = await reconcile(at('refusing.jsonl'), at('server.jsonl'), at('client.jsonl'));
    expect(refused.reasons).to.deep.equal({ not_sent: 1 });
  });

  it('takes a call that was not approved for one that was not sent, and decisions for no requests', async () => {
    const pay = async (client: Parameters<Use>[0]) => {
      await client.callTool({ name: 'echo', arguments: { message: 'cheap' } });
      await client.callTool({ name: 'echo', arguments: { message: 'dear' } }).catch(() => undefined);
    };
    const ask = ({ arguments: args }: { arguments?: unknown }) => ({
      approved: JSON.stringify(args).includes('cheap'),
      by: 'ada',
    });
    await recordBothSides(folder.path, 'v1', pay, { approvals: { tools: ['echo'], ask } });
    expect(parsed('client.jsonl').filter(({ resource }) => resource === 'audit/approval')).to.have.length(2);
    const report = await reconcile(at('client.jsonl'), at('server.jsonl'));
    expect(report).to.deep.include({ ok: true, different: 0, only_client: 1, reasons: { not_sent: 1 } });
  });

  it('pairs logs of several, in one file, compressed, with clocks that differ, and says so', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    edit(
      'server.jsonl',
      (record) => ({ ...record, time: new Date(Date.parse(record.time) + 3_600_000).toISOString() }),
      'ahead.jsonl',
    );
    const skewed = await reconcile(at('client.jsonl'), at('ahead.jsonl'));
    expect(skewed).to.deep.include({ ok: true, pairs: 13 });
    expect(skewed.clock_ahead_ms).to.be.within(3_599_000, 3_601_000);
    const both = `${lines('client.jsonl').join('\n')}\n${lines('server.jsonl').join('\n')}\n`;
    writeFileSync(at('both.jsonl.gz'), gzipSync(both));
    expect(await reconcile(at('both.jsonl.gz'))).to.deep.include({ ok: true, pairs: 13, code: 0 });
  });

  it('says what it cannot read, and that it has one side only', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    writeFileSync(at('damaged.jsonl'), `${lines('server.jsonl').join('\n')}\n{"record_id":`);
    const damaged = await reconcile(at('client.jsonl'), at('damaged.jsonl'));
    expect(damaged).to.include({ code: 3, ok: false, unreadable: 1, pairs: 13 });
    for (const [args, words] of [
      [[at('client.jsonl')], /all records of requests in these logs are of clients/],
      [[at('none.jsonl'), at('client.jsonl')], /no such file/],
    ] as const) {
      const { code, err } = await runCommand(['reconcile', ...args]);
      expect(err).to.match(words);
      expect(code).to.equal(3);
    }
    expect((await runCommand(['reconcile', '--limit', 'x', at('client.jsonl')])).code).to.equal(2);
  });

  it('speaks to people as to programs', async () => {
    await recordBothSides(folder.path, 'v1', everything);
    const { out, code } = await runCommand(['reconcile', at('client.jsonl'), at('server.jsonl')]);
    expect(code).to.equal(0);
    expect(out).to.match(/^13 requests on both sides: 13 alike, 0 different\n/);
    expect(out).to.match(/\npaired {4}12 by commitment, 1 by span\n/);
    expect(out).to.match(/\nok: both sides tell the same\n$/);
  });
});
