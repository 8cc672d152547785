import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { AuditRecord } from '../lib/schema/record.js';
import { ExampleFolder, examplesIn } from './support/exampleFolder.js';

const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
const examples = examplesIn('README.md');

describe('the examples of the README', function () {
  this.timeout(60_000);
  let folder: ExampleFolder;

  before(() => (folder = new ExampleFolder(examples)));
  after(() => folder.remove());

  const run = (...args: string[]) => folder.run(...args);
  const resources = (file: string) =>
    readFileSync(join(folder.path, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as AuditRecord).resource)
      // What the log says of itself stands around what the examples do.
      .filter((resource) => !/^audit\/(?:start|stop)$/.test(resource));

  it('are all named, so that each is run here', () => {
    expect([...examples.keys()]).to.deep.equal([
      'app.mjs',
      'instrumentation.mjs',
      'agent.mjs',
      'decision.mjs',
      'sinks.mjs',
      'options.mjs',
      'errors.mjs',
    ]);
    expect(readme.match(/```(js|ts|javascript|typescript)\n/g)).to.have.length(examples.size);
  });

  it('app.mjs writes its records to the terminal and to the file, without the password', async () => {
    const { stdout } = await run('app.mjs');
    expect(resources('audit.jsonl')).to.deep.equal(['session/initialize', 'tools/echo', 'session/close']);
    expect(stdout).to.include('tools/echo');
    expect(stdout + readFileSync(join(folder.path, 'audit.jsonl'), 'utf8')).not.to.include('not on record');
  });

  it('agent.mjs is audited by instrumentation.mjs', async () => {
    rmSync(join(folder.path, 'audit.jsonl'));
    await run('--import', './instrumentation.mjs', 'agent.mjs');
    expect(resources('audit.jsonl')).to.deep.equal(['session/initialize', 'tools/list', 'session/close']);
  });

  it('sinks.mjs and options.mjs make what the library takes', async () => {
    const check = `import { AuditSpanProcessor } from 'otel-mcp-log';
      import { sinks } from './sinks.mjs';
      import { options } from './options.mjs';
      new AuditSpanProcessor(options);
      new AuditSpanProcessor({ sinks, environment: 'test' });
      process.stdout.write('taken');`;
    expect((await run('--input-type=module', '--eval', check)).stdout).to.equal('taken');
  });

  it('decision.mjs puts a decision on record', async () => {
    const check = `import { AuditSpanProcessor } from 'otel-mcp-log';
      import { approve } from './decision.mjs';
      const sink = { emit: ([record]) => process.stdout.write(JSON.stringify([record.resource, record.data])) };
      new AuditSpanProcessor({ sink, environment: 'test' });
      await approve({ id: 7, total: 50 });`;
    const { stdout } = await run('--input-type=module', '--eval', check);
    expect(JSON.parse(stdout)).to.deep.equal(['decisions/refund', { order: 7, approved: true }]);
  });

  it('errors.mjs gives the result of a call whose record was lost', async () => {
    const check = `import { SinkError } from 'otel-mcp-log';
      import { call } from './errors.mjs';
      const error = new SinkError('disk', 'full');
      error.operation = { status: 'fulfilled', value: 'the result' };
      const alarms = [];
      const client = { callTool: () => Promise.reject(error) };
      process.stdout.write((await call(client, {}, (alarm) => alarms.push(alarm))) + alarms.length);`;
    expect((await run('--input-type=module', '--eval', check)).stdout).to.equal('the result1');
  });

  it('names every option that there is', async () => {
    const { OPTION_NAMES } = await import('../lib/config.js');
    const table = readme.slice(readme.indexOf('## Configuration'), readme.indexOf('## When a sink fails'));
    for (const option of OPTION_NAMES) expect(table, option).to.include(`\`${option}\``);
  });
});
