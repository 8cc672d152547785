import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { startCli } from '../support/builtCli.js';
import { startOtlpLogReceiver, type OtlpLogReceiver } from '../support/otlpLogs.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { rpc } from './rawHttpServer.js';

const SERVER = fileURLToPath(new URL('fixtures/lineServer.mjs', import.meta.url));

const RELAYS = 20;
const CALLS = 40;

describe('twenty relays that send to one collector', () => {
  let collector: OtlpLogReceiver;
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(async () => {
    folder = temporaryFolder();
    collector = await startOtlpLogReceiver();
  });
  afterEach(async () => {
    await collector.close();
    folder.remove();
  });

  const start = (env: Readonly<Record<string, string>> = {}) =>
    startCli(['relay', '--environment=test', '--', process.execPath, SERVER], {
      // The exporter is not installed here, but beside the relay, as by npx.
      cwd: folder.path,
      env: {
        OTEL_MCP_LOG_SINKS: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_MCP_LOG_QUIET: '1',
        ...env,
      },
    });
  const records = () => collector.logs().map(({ body }) => JSON.parse(body) as AuditRecord);
  /** The ids of requests whose records the collector has. */
  const collected = () => new Set(records().map(({ mcp }) => mcp?.request_id));
  /** The ids of requests whose answers the client of a relay has. */
  const answered = ({ said }: ReturnType<typeof start>): string[] =>
    [...said().matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id!);

  it('lack no record of an answer that a client has, though one relay is killed @slow', async () => {
    const relays = Array.from({ length: RELAYS }, () => start());
    await Promise.all(
      relays.map(async (relay, of) => {
        const { child, finished } = relay;
        for (let index = 0; index < CALLS; index++) {
          child.stdin.write(`${rpc(`${of}/${index}`, 'tools/list')}\n`);
          const isKilled = of === 7 && index === CALLS / 2;
          if (isKilled) child.kill('SIGKILL');
          // The answer, or the end.
          await Promise.race([once(child.stdout, 'data'), finished]);
          if (isKilled) return;
        }
        child.stdin.end();
        expect((await finished).code).to.equal(0);
      }),
    );
    const heard = relays.flatMap(answered);
    expect(heard.length).to.be.at.least((RELAYS - 1) * CALLS + CALLS / 2);
    const has = collected();
    expect(heard.filter((id) => !has.has(id))).to.deep.equal([]);
    const starts = records().filter(({ resource }) => resource === 'audit/start');
    expect(new Set(starts.map(({ log_id: log }) => log)).size).to.equal(RELAYS);
    for (const { data } of starts) expect(data).to.have.nested.property('relays[0].cwd', folder.path);
  }).timeout(120_000);

  it('lack none either that a killed relay has kept on its disk while the collector was away', async () => {
    const spool = { OTEL_MCP_LOG_SPOOL: join(folder.path, 'spool') };
    collector.answer = 503;
    const first = start(spool);
    for (let index = 0; index < CALLS; index++) {
      first.child.stdin.write(`${rpc(`spooled/${index}`, 'tools/list')}\n`);
      await once(first.child.stdout, 'data');
    }
    first.child.kill('SIGKILL');
    await first.finished;
    const refused = collector.requests.length;
    collector.answer = 200;
    const second = start(spool);
    second.child.stdin.end();
    expect((await second.finished).code).to.equal(0);
    collector.requests.splice(0, refused);
    const has = collected();
    expect(answered(first).filter((id) => !has.has(id))).to.deep.equal([]);
    expect(answered(first)).to.have.length(CALLS);
  });
});
