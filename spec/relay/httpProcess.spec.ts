import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runCli, startCli, until } from '../support/builtCli.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { json, result, rpc, send, startRaw } from './rawHttpServer.js';

describe('otel-mcp-log relay over HTTP as a process', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let server: Awaited<ReturnType<typeof startRaw>>;
  let relay: string[];
  beforeEach(async () => {
    folder = temporaryFolder();
    server = await startRaw((_, response) => json(response, result(1, { tools: [] })));
    relay = ['relay', '--environment=test', `--log=${join(folder.path, 'log')}`, `--url=${server.url.href}`];
  });
  afterEach(async () => {
    await server.close();
    folder.remove();
  });
  const records = (): AuditRecord[] =>
    readFileSync(join(folder.path, 'log'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);

  it('takes clients on the address that it tells, until a signal ends it', async () => {
    const { child, finished } = startCli([...relay, '--listen=0']);
    let told = '';
    child.stderr.on('data', (bytes: Buffer) => (told += bytes.toString()));
    await until(() => told.includes('takes the place'));
    const [, url = ''] = /(http:\S+) takes the place/.exec(told) ?? [];
    const sub = Buffer.from('{"sub":"ada"}').toString('base64url');
    const headers = { authorization: `Bearer e30.${sub}.c2ln`, 'mcp-session-id': 's' };
    expect((await send(new URL(url), { body: rpc(1, 'tools/list'), headers })).body.toString()).to.equal(
      result(1, { tools: [] }),
    );
    child.kill('SIGTERM');
    expect((await finished).code).to.equal(0);
    expect(records().map(({ resource, actor_id: actor }) => [resource, actor])).to.deep.equal([
      ['audit/start', 'mcp-client'],
      ['tools/list', 'ada'],
      ['session/close', 'ada'],
      ['audit/stop', 'mcp-client'],
    ]);
    expect((records()[0]!.data as { relays: object[] }).relays[0]).to.include({
      client: 'http',
      server: 'http',
    });
  });

  it('speaks with a server for a client on standard streams, with a token of the environment', async () => {
    const { code, stdout } = await runCli([...relay, '--header=Authorization: Bearer ${TOKEN}'], {
      stdin: `${rpc(1, 'tools/list')}\n`,
      env: { TOKEN: 'hidden' },
    });
    expect([code, stdout]).to.deep.equal([0, `${result(1, { tools: [] })}\n`]);
    expect(server.got[0]!.headers).to.include({ authorization: 'Bearer hidden' });
    expect(readFileSync(join(folder.path, 'log'), 'utf8')).not.to.include('hidden');
  });

  for (const [what, args, told] of [
    ['an address without a server', ['--listen=0'], "--listen needs the server's --url"],
    ['two servers', ['--url=http://localhost:1/', '--', 'cat'], 'either --url or the command'],
    ['a URL with a password', ['--url=http://u:hidden@localhost:1/'], 'credentials'],
    ['a URL of another kind', ['--url=ftp://hidden'], 'http or https'],
    ['an address that is none', ['--url=http://localhost:1/', '--listen=x:y'], 'HOST:PORT'],
    ['a header without a name', ['--url=http://localhost:1/', '--header=hidden'], 'NAME: VALUE'],
    [
      'a question about tokens that nobody asks',
      ['--listen=0', '--url=http://localhost:1/', '--introspect=https://a.example'],
      'go together',
    ],
    [
      'a question about tokens in the clear',
      [
        '--listen=0',
        '--url=http://localhost:1/',
        '--introspect=http://a.example',
        '--introspect-client=a:hidden',
      ],
      'https',
    ],
    [
      'a question about tokens of nobody',
      ['--url=http://localhost:1/', '--introspect=https://a.example'],
      '--listen',
    ],
    ['a variable that is not set', ['--url=http://localhost:1/', '--header=A: ${NOPE}'], 'NOPE'],
  ] as const)
    it(`does not start with ${what}`, async () => {
      const { code, stdout, stderr } = await runCli(['relay', ...args]);
      expect([code, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.include(told).and.not.to.include('hidden');
    });

  it('says that its address is in use', async () => {
    const { code, stderr } = await runCli([...relay, `--listen=${server.url.port}`]);
    expect(code).to.equal(3);
    expect(stderr).to.include('in use');
  });
});
