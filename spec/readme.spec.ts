import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../lib/schema/record.js';
import { ExampleFolder, examplesIn } from './support/exampleFolder.js';

const textOf = (page: string) => readFileSync(new URL(`../${page}`, import.meta.url), 'utf8');
const readme = textOf('README.md');
/** What the README shows, and what the pages that it sends its readers to show first. */
const examples = new Map([
  ...examplesIn('README.md'),
  ...['decorators', 'options', 'sinks'].flatMap((name) => [...examplesIn(`docs/${name}.md`)]),
]);

describe('the examples of the README and of the pages that it leads to', function () {
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
      .filter((resource) => !/^audit\/(?:start|stop|tool-definition)$/.test(resource));

  it('are all named, so that each is run here', () => {
    expect([...examples.keys()]).to.deep.equal([
      'app.mjs',
      'instrumentation.mjs',
      'agent.mjs',
      'errors.mjs',
      'decision.mjs',
      'options.mjs',
      'sinks.mjs',
    ]);
    expect(readme.match(/```(js|ts|javascript|typescript)\n/g)).to.have.length(examplesIn('README.md').size);
  });

  it('come with a README that is read in one sitting: at most 12 kB', () => {
    expect(Buffer.byteLength(readme)).to.be.at.most(12_000);
  });

  it('are beside pictures and pages that there are', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)|(?:src|srcset)="([^":]+)"/g)];
    expect(links.length).to.be.greaterThan(25);
    for (const [, page, picture] of links) expect(() => textOf((page ?? picture)!)).not.to.throw();
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
    const { OPTIONS } = await import('../lib/options/tables.js');
    const table = textOf('docs/options.md');
    for (const [option, said] of Object.entries(OPTIONS.AuditOptions))
      if ('renamedTo' in said) expect(table, option).not.to.include(`\`${option}\``);
      else expect(table, option).to.include(`\`${option}\``);
  });
});
