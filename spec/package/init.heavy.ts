import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { pack } from '../matrix/projects.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const SERVER = '@modelcontextprotocol/server-everything';
const CALLS = `
const client = new Client({ name: 'agent', version: '1.0.0' });
const server = require.resolve('${SERVER}/dist/index.js');
const run = async () => {
  await client.connect(new StdioClientTransport({ command: 'node', args: [server, 'stdio'], stderr: 'ignore' }));
  await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  await client.close();
};
`;
const ESM = `
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
const require = createRequire(import.meta.url);
${CALLS}`;
const CJS = `
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');
${CALLS}`;
const TELEMETRY = `
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { trace } from '@opentelemetry/api';
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
`;

/** Projects as people have them: their files, and how they start. */
const PROJECTS = {
  'an ES module application with OpenTelemetry of its own': {
    type: 'module',
    start: 'node app.js',
    file: 'app.js',
    text: `${TELEMETRY}${ESM}await run();
console.log(exporter.getFinishedSpans().map((span) => span.spanContext().traceId).join());`,
  },
  'a CommonJS application': {
    type: 'commonjs',
    start: 'node app.js',
    file: 'app.js',
    text: `${CJS}void run();`,
  },
  'a TypeScript application run by tsx': {
    type: 'module',
    start: 'tsx app.ts',
    file: 'app.ts',
    text: `${ESM}const done: Promise<void> = run(); await done;`,
  },
};

describe('otel-mcp-log init, in a project that installs the package', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  let tarball: string;
  before(() => (tarball = pack()));
  after(() => folder.remove());

  for (const [name, { type, start, file, text }] of Object.entries(PROJECTS))
    it(`makes npm start of ${name} write a record of each operation`, () => {
      const project = mkdtempSync(join(folder.path, 'project-'));
      const npm = (...args: string[]) => execFileSync('npm', args, { cwd: project, encoding: 'utf8' });
      writeFileSync(
        join(project, 'package.json'),
        JSON.stringify({ private: true, type, scripts: { start } }, null, 2),
      );
      writeFileSync(join(project, file), text);
      const packages = ['@opentelemetry/api@1.9', '@opentelemetry/sdk-trace-base@2', SERVER, 'tsx'];
      npm(
        'install',
        '--no-audit',
        '--no-fund',
        '--silent',
        tarball,
        '@modelcontextprotocol/sdk@1',
        ...packages,
      );
      execFileSync('npx', ['otel-mcp-log', 'init', '--yes'], { cwd: project, stdio: 'pipe' });
      const out = npm('start', '--silent');

      const records = readFileSync(join(project, 'audit.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { resource: string; correlation_id: string; environment: string })
        // What the log says of itself stands around what the application did.
        .filter(({ resource }) => !/^audit\/(?:start|stop|tool-definition)$/.test(resource));
      expect(records.map(({ resource }) => resource)).to.deep.equal([
        'session/initialize',
        'tools/echo',
        'session/close',
      ]);
      expect(records[0]?.environment).to.equal('development');
      // The application's own traces, where it has any, have the ids of the records.
      if (out !== '') expect(out.trim().split(',')).to.deep.equal(records.map((each) => each.correlation_id));
    });
});
