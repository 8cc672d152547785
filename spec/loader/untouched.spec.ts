import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runNode } from '../support/node.js';
import { EVERYTHING } from '../support/servers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const FIXTURES = './spec/loader/fixtures';
const ENTRIES = ['otel-mcp-log/register', 'otel-mcp-log/hook'];

describe('an application under the loader hook', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = temporaryFolder();
    const file = join(folder.path, 'audit.jsonl');
    env = { EVERYTHING, OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_FILE: file, OTEL_MCP_LOG_QUIET: '1' };
  });

  afterEach(() => folder.remove());

  for (const entry of ENTRIES)
    it(`sees the live bindings, the namespaces and the errors of its modules as without it: ${entry}${entry === ENTRIES[0] ? '' : ' @slow'}`, async () => {
      const app = `${FIXTURES}/live.mjs`;
      const bare = await runNode([app], env);
      expect(bare.stdout).to.match(/^ready 2 2 2 2 /);
      for (const args of [
        ['--import', entry, app],
        ['--require', entry, app],
      ])
        expect(await runNode(args, env), args.join(' ')).to.deep.equal(bare);
      expect(await runNode([app], { ...env, NODE_OPTIONS: `--import ${entry}` })).to.deep.equal(bare);
    });

  const asking = ['--import', `${FIXTURES}/asking.mjs`];
  for (const entry of ENTRIES) {
    const hook = ['--import', entry];
    for (const [order, preloads] of Object.entries({
      'before the hook': [...asking, ...hook],
      'after the hook': [...hook, ...asking],
    }))
      it(`has the modules patched that an instrumentation of its own asked for ${order}: ${entry}${order === 'after the hook' && entry === ENTRIES[0] ? '' : ' @slow'}`, async () => {
        const { stdout, stderr } = await runNode([...preloads, `${FIXTURES}/asked.mjs`], env);
        expect([stdout, stderr]).to.deep.equal(['patched patched function\n', '']);
      });
  }

  const foreign = ['--import', `${FIXTURES}/foreignHook.mjs`];
  const ours = ['--import', 'otel-mcp-log/register'];
  for (const [order, preloads] of Object.entries({
    before: [...foreign, ...ours],
    after: [...ours, ...foreign],
  }))
    it(`is audited where another tool's hook that wraps everything comes ${order} it @slow`, async () => {
      const { code, stdout, stderr } = await runNode([...preloads, './spec/hooks/fixtures/plain.mjs'], env);
      expect([code, stdout], stderr).to.deep.equal([0, 'called\n']);
      const lines = readFileSync(join(folder.path, 'audit.jsonl'), 'utf8').trim().split('\n');
      const resources = lines.map((line) => (JSON.parse(line) as AuditRecord).resource);
      expect(resources.filter((name) => !name.startsWith('audit/'))).to.deep.equal([
        'session/initialize',
        'tools/echo',
        'session/close',
      ]);
    });
});
