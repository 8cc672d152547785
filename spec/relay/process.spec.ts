import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runCli, startCli, until, type CliOptions } from '../support/builtCli.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const SERVER = fileURLToPath(new URL('fixtures/lineServer.mjs', import.meta.url));

const request = (id: number, method: string, params: object = {}): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;

describe('otel-mcp-log relay as a process', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  beforeEach(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
  });
  afterEach(() => folder.remove());

  const relayOf = (...server: string[]): string[] => [
    'relay',
    '--environment=test',
    `--log=${log}`,
    '--',
    ...server,
  ];
  const run = (stdin: string, options: CliOptions = {}) =>
    runCli(relayOf(process.execPath, SERVER), { ...options, stdin });
  const start = () => startCli(relayOf(process.execPath, SERVER));
  const records = (): AuditRecord[] =>
    readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);

  it('passes on the end of the client, and ends with its server', async () => {
    const { code, stdout, stderr } = await run(request(1, 'tools/list'));
    expect(code).to.equal(0);
    expect(stdout).to.equal('{"jsonrpc":"2.0","id":1,"result":{"method":"tools/list"}}\n');
    expect(stderr).to.include('the server is here\n').and.to.include('the server saw the end\n');
    expect(records().map(({ resource, outcome }) => [resource, outcome])).to.deep.equal([
      ['audit/start', 'OUTCOME_SUCCESS'],
      ['tools/list', 'OUTCOME_SUCCESS'],
      ['session/close', 'OUTCOME_SUCCESS'],
      ['audit/stop', 'OUTCOME_SUCCESS'],
    ]);
    expect(records().at(-1)!.data).to.include({ ended_by: 'client_closed' });
  });

  it('says in the first record who started it, and where', async () => {
    await run(request(1, 'tools/list'), { cwd: folder.path });
    const [start] = records();
    const [facts] = (start!.data as { relays: Record<string, string>[] }).relays;
    expect(facts).to.include({ client: 'stdio', server: 'stdio' });
    expect(facts!['cwd']!.endsWith(folder.path)).to.equal(true);
    expect(records()[1]).to.include({ actor_id: facts!['user'], actor_type: 'user' });
  });

  it("ends with its server's exit code, and says that the session was lost", async () => {
    const { child, finished } = start();
    child.stdin.write(request(1, 'tools/list') + request(2, 'exit', { code: 7 }));
    expect((await finished).code).to.equal(7);
    const [, , unanswered, lost] = records();
    expect(unanswered).to.deep.include({ resource: 'exit', outcome: 'OUTCOME_FAILURE_ERROR' });
    expect(unanswered!.error?.type).to.equal('connection_closed');
    expect(lost!.error?.message).to.equal('the server process ended');
    expect(lost!.mcp?.requests).to.include({ sent: 2, recorded: 2 });
    expect(records().at(-1)!.data).to.include({ ended_by: 'server_exit' });
  });

  it('dies of the signal that its server died of, once the log is closed', async () => {
    const { child, finished } = start();
    child.stdin.write(request(1, 'die', { signal: 'SIGKILL' }));
    await finished;
    expect(child.signalCode).to.equal('SIGKILL');
    expect(records().at(-1)!.resource).to.equal('audit/stop');
    expect(records().at(-1)!.data).to.include({ ended_by: 'signal', signal: 'SIGKILL' });
  });

  for (const [signal, code, died] of [
    ['SIGTERM', null, 'SIGTERM'],
    ['SIGINT', null, 'SIGINT'],
    ['SIGHUP', 5, null],
  ] as const)
    it(`hands ${signal} on, and the session ends in good order`, async () => {
      const { child, finished, said } = start();
      child.stdin.write(request(1, 'tools/list') + request(2, 'silence'));
      await until(() => said().includes('"id":1'));
      child.kill(signal);
      expect((await finished).code).to.equal(code);
      expect(child.signalCode).to.equal(died);
      expect(records().map(({ resource }) => resource)).to.deep.equal([
        'audit/start',
        'tools/list',
        'silence',
        'session/close',
        'audit/stop',
      ]);
      expect(records().at(-1)!.data).to.include({ ended_by: 'signal', signal });
    });

  it('ends its server where the client reads no more', async () => {
    const endless =
      "setInterval(() => process.stdout.write('{}\\n'), 1); process.stdout.on('error', () => process.exit(9))";
    const { child, finished, said } = startCli(relayOf(process.execPath, '-e', endless));
    await until(() => said() !== '');
    child.stdout.destroy();
    expect((await finished).code).to.equal(9);
  });

  it('reads no faster than the client does', async () => {
    const fast = `const line = JSON.stringify('x'.repeat(99_997)) + '\\n';
      process.stdout.write(line.repeat(200), () => process.stderr.write('all written'));`;
    const { child, finished } = startCli(relayOf(process.execPath, '-e', fast));
    let told = '';
    child.stderr.on('data', (bytes: Buffer) => (told += bytes.toString()));
    child.stdout.pause();
    await until(() => told.includes('auditing MCP clients'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(told).not.to.include('all written');
    child.stdout.resume();
    expect((await finished).bytes).to.have.length(20_000_000);
  });

  it('passes a message of any length, and says that it was not read', async () => {
    const length = 20 * 1024 * 1024;
    const big = `const big = 'x'.repeat(${length});
      process.stdin.once('data', () => process.stdout.write(JSON.stringify({ result: { big }, jsonrpc: '2.0', id: 1 }) + '\\n'));`;
    const { code, bytes, stderr } = await runCli(relayOf(process.execPath, '-e', big), {
      stdin: request(1, 'tools/call', { name: 'big' }),
    });
    expect(code).to.equal(0);
    expect(bytes.length).to.equal(length + '{"result":{"big":""},"jsonrpc":"2.0","id":1}\n'.length);
    expect(stderr.match(/passed on unread/g)).to.have.length(1);
    const unread = records().find(({ resource }) => resource === 'message/unreadable');
    expect(unread!.mcp!.tool_arguments).to.include({ bytes: bytes.length });
    expect(records().find(({ resource }) => resource === 'tools/big')!.error?.type).to.equal('unreadable');
  });

  it('takes bad input for what it is, tells of it once, and goes on', async () => {
    const stdin = `${'nonsense\n'.repeat(3)}${request(1, 'tools/list')}{"half`;
    const { code, stderr } = await runCli(relayOf('cat'), { stdin });
    expect(code).to.equal(0);
    expect(stderr.match(/client sent what is no JSON/g)).to.have.length(1);
  });

  it('says that the server is not there', async () => {
    const { code, stderr, stdout } = await runCli(relayOf('/no/such/server'));
    expect(code).to.equal(127);
    expect(stderr).to.include('/no/such/server: command not found');
    expect(stdout).to.equal('');
  });

  for (const [what, env, told] of [
    ['an environment that is not named', {}, 'OTEL_MCP_LOG_ENVIRONMENT'],
    ['a variable that is not known', { OTEL_MCP_LOG_NONSENSE: '1' }, 'OTEL_MCP_LOG_NONSENSE'],
    [
      'the sink stdout, for it would write between the messages',
      { OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_SINKS: 'stdout' },
      'OTEL_MCP_LOG_SINKS',
    ],
  ] as const)
    it(`does not start with ${what}`, async () => {
      const { code, stderr, stdout } = await runCli(['relay', '--', process.execPath, SERVER], { env });
      expect(code).to.equal(78);
      expect(stderr).to.include(told).and.not.to.include('the server is here');
      expect(stdout).to.equal('');
    });

  it('passes everything on without a log, where that is switched off', async () => {
    const { stdout } = await runCli(['relay', '--', process.execPath, SERVER], {
      stdin: request(1, 'ping'),
      env: { OTEL_MCP_LOG_DISABLED: 'true', OTEL_MCP_LOG_ENVIRONMENT: 'test' },
      cwd: folder.path,
    });
    expect(stdout).to.equal('{"jsonrpc":"2.0","id":1,"result":{"method":"ping"}}\n');
  });
});
