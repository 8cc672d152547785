import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { pack } from '../matrix/projects.js';

/** The compilers that people have, the oldest first. */
const COMPILERS = ['5.9', '6.0', '7.0'];

/** How they may be set, with what each of them calls a module of either kind. */
const SETTINGS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext', files: ['consumer.mts', 'consumer.cts'] },
  node16: { module: 'node16', moduleResolution: 'node16', files: ['consumer.mts', 'consumer.cts'] },
  bundler: { module: 'esnext', moduleResolution: 'bundler', files: ['consumer.ts'] },
} as const;

const CONSUMER = `
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { FileSink, HttpSink, withLogging, type AuditRecord, type Sink } from 'otel-mcp-log';
import { verifyLogFile, type VerifyReport } from 'otel-mcp-log/integrity';
const kept: AuditRecord[] = [];
const own: Sink = { name: 'own', emit: (records) => void kept.push(...records) };
const client: Client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), {
  sinks: [own, new FileSink('audit.jsonl'), new HttpSink({ endpoint: 'https://audit.example.com' })],
  environment: 'test',
});
export const name: string | undefined = client.getServerVersion()?.name;
export const report: Promise<VerifyReport> = verifyLogFile('audit.jsonl', {});
// @ts-expect-error an environment is needed
export const wrong = withLogging(client, { sink: own });
`;

describe('the types of the packed package', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  const consumer = join(folder.path, 'consumer');
  const run = (command: string, args: readonly string[]): string =>
    execFileSync(command, args, { cwd: consumer, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  before(() => {
    mkdirSync(consumer);
    const tarball = pack();
    writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true }));
    const compilers = COMPILERS.map((version) => `typescript-${version}@npm:typescript@${version}`);
    const packages = [tarball, '@opentelemetry/api', '@modelcontextprotocol/sdk@1', '@types/node@20'];
    run('npm', ['install', '--no-audit', '--no-fund', '--silent', ...packages, ...compilers]);
    for (const file of ['consumer.mts', 'consumer.cts', 'consumer.ts'])
      writeFileSync(join(consumer, file), CONSUMER);
  });
  after(() => folder.remove());

  for (const version of COMPILERS)
    for (const [name, { files, ...options }] of Object.entries(SETTINGS))
      it(`are sound to TypeScript ${version} set to ${name}, libraries checked`, () => {
        const compilerOptions = {
          ...options,
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true,
          target: 'es2022',
          types: ['node'],
        };
        const settings = `tsconfig.${version}.${name}.json`;
        writeFileSync(join(consumer, settings), JSON.stringify({ compilerOptions, files }));
        const compiler = join('node_modules', `typescript-${version}`, 'bin', 'tsc');
        expect(faultsOf(() => run(process.execPath, [compiler, '-p', settings]))).to.deep.equal([]);
      });

  /** What the compiler says, but for what it says of the SDK's own types (v1's do not pass as CommonJS under node16). */
  function faultsOf(compile: () => string): string[] {
    try {
      compile();
      return [];
    } catch (error) {
      const lines = (error as { stdout: string }).stdout.split('\n').filter((line) => line !== '');
      return lines.filter((line) => !line.startsWith('node_modules/@modelcontextprotocol/'));
    }
  }
});
