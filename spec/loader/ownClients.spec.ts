import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { hasOwnClient } from '../../lib/loader/sdk.js';
import { runNode } from '../support/node.js';
import { EVERYTHING } from '../support/servers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('a package with an MCP client of its own', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = temporaryFolder();
    const file = join(folder.path, 'audit.jsonl');
    env = { OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_FILE: file, OTEL_MCP_LOG_QUIET: '1' };
    install('@ai-sdk/mcp', '2.0.99');
    install('other', '1.0.0');
  });

  afterEach(() => folder.remove());

  function write(file: string, text: string): string {
    const path = join(folder.path, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  function install(name: string, version: string): void {
    const copy = join('node_modules', name);
    const exports = { import: './dist/index.mjs', require: './dist/index.js' };
    write(join(copy, 'package.json'), JSON.stringify({ name, version, exports }));
    // A client of a form that is not known: the class has another name.
    const client = 'var Other = class {};\nasync function createMCPClient() { return new Other(); }\n';
    write(join(copy, 'dist', 'index.mjs'), `${client}export const is = 1;\nexport { createMCPClient };`);
    write(join(copy, 'dist', 'index.js'), `${client}module.exports = { is: 1, createMCPClient };`);
  }

  const apps: Readonly<Record<string, (name: string) => string>> = {
    'an ES module': (name) => write('app.mjs', `import { is } from '${name}'; console.log(is);`),
    CommonJS: (name) => write('app.cjs', `console.log(require('${name}').is);`),
  };

  for (const entry of ['register', 'hook'])
    for (const [how, app] of Object.entries(apps)) {
      // The hook alone patches nothing in CommonJS: an instrumentation does.
      if (entry === 'hook' && how === 'CommonJS') continue;

      it(`is named once on stderr, and runs, as ${how} under ${entry}${entry === 'register' ? '' : ' @slow'}`, async () => {
        const args = ['--import', `otel-mcp-log/${entry}`, app('@ai-sdk/mcp')];
        const { code, stdout, stderr } = await runNode(args, env);
        expect([code, stdout], stderr).to.deep.equal([0, '1\n']);
        expect(stderr.split('\n')).to.have.length(2);
        expect(stderr).to.match(
          /^otel-mcp-log: NOT AUDITED: clients of @ai-sdk\/mcp 2\.0\.99: .*own-client\)/,
        );
      });
    }

  for (const app of ['aiSdk.mjs', 'aiSdk.cjs'])
    it(`is audited where its form is known: ${app}${app === 'aiSdk.cjs' ? '' : ' @slow'}`, async () => {
      const args = ['--import', 'otel-mcp-log/register', `./spec/hooks/fixtures/${app}`];
      const { code, stdout, stderr } = await runNode(args, { ...env, EVERYTHING });
      expect([code, stdout, stderr]).to.deep.equal([0, 'called\n', '']);
      const lines = readFileSync(join(folder.path, 'audit.jsonl'), 'utf8').trim().split('\n');
      const records = lines.map((line) => JSON.parse(line) as { resource: string; client_id?: string });
      const own = records.filter(({ resource }) => !resource.startsWith('audit/'));
      expect(own.map(({ resource }) => resource)).to.deep.equal([
        'session/initialize',
        'tools/list',
        'tools/echo',
        'session/close',
      ]);
      expect(lines.join('\n')).not.to.include('canary');
    });

  it('is none of the others', async () => {
    const { stdout, stderr } = await runNode(
      ['--import', 'otel-mcp-log/register', apps['an ES module']!('other')],
      env,
    );
    expect([stdout, stderr]).to.deep.equal(['1\n', '']);
  });

  it('is known by its version, where it has had such a client for a while only', () => {
    const versions = ['3.9.0', '4.2.0', '5.0.277', '6.0.0-beta.1', '7.0.0'];
    expect(versions.map((version) => hasOwnClient('ai', version))).to.deep.equal([
      false,
      true,
      true,
      false,
      false,
    ]);
    expect(hasOwnClient('@ai-sdk/mcp', '0.0.1')).to.equal(true);
    expect(hasOwnClient('@modelcontextprotocol/sdk', '1.29.0')).to.equal(false);
  });
});
