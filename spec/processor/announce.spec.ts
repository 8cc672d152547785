import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { bundled } from '../support/bundled.js';
import { runNode } from '../support/node.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const script = bundled(new URL('fixtures/logs.ts', import.meta.url));

describe('the line that says where records go', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  const path = join(folder.path, 'audit.jsonl');
  const run = (quiet: string) => runNode([script, path], { OTEL_MCP_LOG_QUIET: quiet });

  it('comes once per process, on stderr, with every sink and no secret', async () => {
    const { stderr, stdout } = await run('');
    expect(stderr).to.match(
      /^otel-mcp-log \S+: auditing MCP clients and servers, environment te\\u001bst, to stdout, file \S+audit\.jsonl, http https:\/\/hooks\.example\.com, own \(OTEL_MCP_LOG_QUIET=1 hides this line\)\n$/,
    );
    expect(stderr).to.include(path);
    expect(stdout).to.equal('done\n');
  });

  it('names servers alone where a server is what the process audits', async () => {
    const server = bundled(new URL('fixtures/auditedServer.ts', import.meta.url));
    const { stderr } = await runNode([server], { OTEL_MCP_LOG_QUIET: '' });
    expect(stderr).to.match(/^otel-mcp-log \S+: auditing MCP servers, environment test, to own /);
  });

  it('is left out where OTEL_MCP_LOG_QUIET says so @slow', async () => {
    expect((await run('1')).stderr).to.equal('');
    expect((await run(' TRUE ')).stderr).to.equal('');
    expect((await run('0')).stderr).to.include('auditing MCP clients');
  });

  it('harms nobody where stderr is closed', async () => {
    const env = { ...process.env, OTEL_MCP_LOG_QUIET: '' };
    const child = spawn(process.execPath, [script, path], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.destroy();
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).to.equal(0);
  });
});
