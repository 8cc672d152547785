import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runNode } from '../support/node.js';
import { otlpTraces } from '../support/otlpTraces.js';
import { everythingOverHttp } from '../support/servers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Run elsewhere: the demo by `.ci/run`, ClickHouse and the fleet by a script, the gateway's keys and the decorators by tests of their own. */
const ELSEWHERE = ['clickhouse', 'collector', 'decorators', 'demo', 'fleet'];
const HERE = [
  'agent',
  'both-ends',
  'delivery-modes',
  'field-notes',
  'many-users',
  'node-sdk',
  'one-client',
  'sdk-v2',
  'zero-code',
];

describe('the examples, over the built package and real servers', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;

  beforeEach(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
  });
  afterEach(() => folder.remove());

  const records = (path = log) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);
  /** What the applications did, without what the log says of itself. */
  const operations = () =>
    records().filter(({ resource }) => !/^audit\/(?:start|stop|tool-definition)$/.test(resource));
  const steps = (path = log) => records(path).map(({ resource, outcome }) => [resource, outcome.slice(8)]);

  async function run(args: string[], env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await runNode(args, { AUDIT_LOG: log, ...env });
    expect(code, stderr).to.equal(0);
    return stdout;
  }

  it('are all run, and each has a page of its own', () => {
    const folders = readdirSync(join(root, 'examples')).filter((name) => name !== 'README.md');
    expect(folders).to.have.members([...HERE, ...ELSEWHERE]);
    for (const name of folders)
      expect(readFileSync(join(root, 'examples', name, 'README.md'), 'utf8')).to.match(/^# \S/);
  });

  for (const [name, extra] of [
    ['one-client', [['tools/get-sum', 'FAILURE_ERROR']]],
    ['sdk-v2', []],
  ] as const)
    it(`${name}: prints for people, writes for machines`, async () => {
      const printed = await run([`examples/${name}/main.mjs`]);
      expect(steps()).to.deep.equal([
        ['audit/start', 'SUCCESS'],
        ['session/initialize', 'SUCCESS'],
        ['tools/echo', 'SUCCESS'],
        ...extra,
        ['session/close', 'SUCCESS'],
        ['audit/stop', 'SUCCESS'],
      ]);
      expect(printed).to.include('tools/echo').and.not.include('not on record');
    });

  it('both-ends: three logs, one trace, who approved what, and what is told of a line that is gone', async () => {
    const printed = await run(['examples/both-ends/run.mjs'], { BOTH_ENDS_FOLDER: folder.path });
    expect(printed).to.match(/^ {2}server +http\/mcp +FAILURE_UNAUTHORIZED/m);
    expect(printed).to.include('ada: accept order {"item":"lamp","price":20} (the last lamp is broken)');
    expect(printed).to.include('ada: decline order {"item":"piano","price":9000} (too dear)');
    const of = (name: string) => records(join(folder.path, `${name}.jsonl`));
    const [paid, refused] = of('agent').filter(({ resource }) => resource === 'tools/order');
    expect(refused!.error!.type).to.equal('approval_denied');
    // The piano has not reached the shop, and each record of the lamp is in the trace of the first.
    const shop = of('shop').filter(({ resource }) => resource.startsWith('tools/o'));
    const stock = of('stock').filter(({ resource }) => resource === 'tools/reserve');
    expect([...shop, ...stock].map(({ trace_id: trace }) => trace)).to.deep.equal([
      paid!.trace_id,
      paid!.trace_id,
    ]);
    expect(shop[0]).to.include({ actor_id: 'agent-7', parent_span_id: paid!.span_id });
    // Before the order is taken out of the shop's log, and after it.
    const commands = printed.split(/^\$ npx otel-mcp-log /m).slice(1);
    const codes = commands.map((text) => [text.split(' ')[0], /\(exit code (\d)\)/.exec(text)?.[1]]);
    expect(codes).to.deep.equal([
      ['reconcile', '0'],
      ['reconcile', '1'],
      ['verify', '0'],
      ['verify', '1'],
    ]);
    expect(commands[0])
      .to.include('5 requests on both sides: 5 alike')
      .and.include('arguments of 5 and results of 5');
    const { seq } = of('shop').find(({ resource }) => resource === 'tools/order')!;
    expect(commands[1])
      .to.include(`1 missing: numbers ${seq}`)
      .and.match(/^tools\/call order: records are missing .*\n {2}client agent\.jsonl:\d+ {2}(\S+)/m)
      .and.include(paid!.record_id);
    expect(commands[3]).to.include(`record ${seq} was deleted`);
  });

  it('zero-code: an ES module and a CommonJS one', async () => {
    const env = { OTEL_MCP_LOG_ENVIRONMENT: 'example', OTEL_MCP_LOG_FILE: log };
    await run(['--import', 'otel-mcp-log/register', 'examples/zero-code/agent.mjs'], env);
    await run(['--require', 'otel-mcp-log/register', 'examples/zero-code/agent.cjs'], env);
    const once = ['session/initialize', 'tools/echo', 'session/close'];
    expect(operations().map(({ resource }) => resource)).to.deep.equal([...once, ...once]);
  });

  it('node-sdk: the requests are children of the operations, and records find their spans', async () => {
    const [server, receiver] = [await everythingOverHttp(), await otlpTraces()];
    try {
      await run(
        [
          '--import',
          './examples/node-sdk/instrumentation.mjs',
          'examples/node-sdk/agent.mjs',
          server.url.href,
        ],
        {
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url,
          OTEL_METRICS_EXPORTER: 'none',
          OTEL_LOGS_EXPORTER: 'none',
        },
      );
    } finally {
      await server.stop();
      await receiver.close();
    }
    const call = records().find(({ resource }) => resource === 'tools/echo');
    const span = receiver.spans.find(({ spanId }) => spanId === call?.span_id);
    expect(span).to.include({ traceId: call?.trace_id, name: 'tools/call echo' });
    expect(receiver.spans.filter(({ parentSpanId }) => parentSpanId === call?.span_id)).not.to.deep.equal([]);
    expect(operations()).to.have.length(4);
  });

  it('agent: three servers, and the calls of a task in the trace of its decision', async () => {
    const printed = (await run(['examples/agent/agent.mjs'])).trimEnd().split('\n');
    expect(printed).to.have.length(17);
    const tracesOf = (event: string) =>
      printed.filter((line) => line.includes(event)).map((line) => line.trim().split(/\s+/)[1]);
    expect(new Set(tracesOf('EVENT_AGENT_DECISION')).size).to.equal(3);
    expect(tracesOf('EVENT_TOOL_INVOCATION')).to.deep.equal(tracesOf('EVENT_AGENT_DECISION'));
    expect(tracesOf('EVENT_DELEGATION')).to.deep.equal(tracesOf('EVENT_AGENT_DECISION'));
  });

  it('many-users: each call is on record as its user’s', async () => {
    const server = spawn(process.execPath, ['examples/many-users/server.mjs', '0'], {
      cwd: root,
      env: { ...process.env, AUDIT_LOG: log },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(server, 'exit');
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    const ask = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${line.split(' ').at(-1)}/echo/hello`, { headers });
    const answers = await Promise.all([
      ask({ 'x-user': 'ann' }),
      ask({ 'x-user': 'ben', 'x-tenant': 'west' }),
      ask({}),
    ]);
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 401]);
    server.kill('SIGTERM');
    expect(await ended).to.deep.equal([0, null]);
    const calls = records().filter(({ resource }) => resource === 'tools/echo');
    expect(calls.map(({ actor_id, tenant_id }) => [actor_id, tenant_id])).to.have.deep.members([
      ['ann', undefined],
      ['ben', 'west'],
    ]);
  });

  it('delivery-modes: what each mode promises', async () => {
    const printed = await run(['examples/delivery-modes/main.mjs', folder.path]);
    expect(
      printed
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/; onError.*/, '')),
    ).to.deep.equal([
      "blocking: the call waited for the sink; with the sink broken it rejected, and carried the tool's own outcome (fulfilled)",
      'blocking-strict: the call waited for the sink; with the sink broken it was refused before it was sent',
      'batch: the call did not wait; with the sink broken it answered as if nothing were wrong',
    ]);
    for (const mode of ['blocking', 'batch'])
      expect(steps(join(folder.path, `${mode}.jsonl`))).to.deep.include(['audit/gap', 'FAILURE_ERROR']);
  });

  it('field-notes: delivered with a token', async () => {
    const printed = await run(['examples/field-notes/main.mjs', join(folder.path, 'spool')]);
    expect(printed).to.include('3 events received, with a token');
  });
});
