import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { ExampleFolder, examplesIn } from '../support/exampleFolder.js';

const PAGES = ['docs/getting-started.md', 'docs/migrating-from-python.md'];

describe('the guides', function () {
  this.timeout(60_000);
  const examples = new Map(PAGES.flatMap((page) => [...examplesIn(page)]));
  let folder: ExampleFolder;

  before(() => (folder = new ExampleFolder(examples)));
  after(() => folder.remove());

  const evaluate = async (code: string): Promise<AuditRecord[]> => {
    await folder.run('--input-type=module', '--eval', code);
    const lines = readFileSync(join(folder.path, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line) as AuditRecord);
    // What the log says of itself stands around what the examples do.
    return records.filter(({ resource }) => !/^audit\/(?:start|stop|tool-definition)$/.test(resource));
  };

  it('name all of their examples, so that each is run here', () => {
    expect([...examples.keys()]).to.deep.equal([
      'first-client.mjs',
      'first-provider.mjs',
      'first-decision.mjs',
      'migrated.mjs',
    ]);
    const blocks = PAGES.flatMap((page) => readFileSync(page, 'utf8').match(/```(?:js|ts)\n/g) ?? []);
    expect(blocks).to.have.length(examples.size);
  });

  it('begin with a client that is on record', async () => {
    const records = await evaluate(`
      import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
      import { client } from './first-client.mjs';
      await client.connect(new StdioClientTransport({ command: 'npx', stderr: 'ignore' }));
      await client.close();`);
    expect(records.map(({ resource }) => resource)).to.deep.equal(['session/initialize', 'session/close']);
  });

  it('go on with a provider, an instrumentation and a decision of the user', async () => {
    const records = await evaluate(`
      import { audit } from './first-provider.mjs';
      import { choose } from './first-decision.mjs';
      const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
      const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
      if ((await choose('what weather is it?')) !== 'forecast') throw new Error('the function is another');
      const client = new Client({ name: 'agent', version: '1.0.0' });
      await client.connect(new StdioClientTransport({ command: 'npx', stderr: 'ignore' }));
      await client.close();
      await audit.shutdown();`);
    expect(records.slice(-3).map(({ resource }) => resource)).to.deep.equal([
      'decisions/tool',
      'session/initialize',
      'session/close',
    ]);
    expect(records.at(-3)?.data).to.deep.equal({ chosen: 'forecast' });
  });

  it('lead over from the Python package, results of calls whose record is lost included', async () => {
    const records = await evaluate(`
      import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
      import { Client } from '@modelcontextprotocol/sdk/client/index.js';
      import { SinkError } from 'otel-mcp-log';
      import { logged, riskyTool } from './migrated.mjs';
      const client = logged(new Client({ name: 'agent', version: '1.0.0' }));
      await client.connect(new StdioClientTransport({ command: 'npx', stderr: 'ignore' }));
      await client.close();
      const error = Object.assign(new SinkError('file', 'full'), { operation: { status: 'fulfilled', value: 7 } });
      if ((await riskyTool({ callTool: () => Promise.reject(error) }, {})) !== 7) throw new Error('no result');`);
    expect(records.slice(-2).map(({ actor_id }) => actor_id)).to.deep.equal(['agent-12345', 'agent-12345']);
  });
});
