import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { diagnose } from '../../lib/doctor/doctor.js';
import { runCommand } from '../support/runCommand.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Applications as people have them: their files, what `init` leaves to people, and what then still starts without a preload. */
interface Layout {
  readonly type?: 'module' | 'commonjs';
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** What `init` says beside its diff. */
  readonly says?: readonly RegExp[];
  /** What the doctor then finds not preloaded. */
  readonly left?: readonly string[];
}

const SET_FOR = /set NODE_OPTIONS='--(?:import|require) \.\/audit-log\.[cm]js', .*before: /;
const said = (form: string) => new RegExp(SET_FOR.source + form);

const LAYOUTS: Readonly<Record<string, Layout>> = {
  'a program in ES modules': { type: 'module', scripts: { start: 'node app.js' } },
  'a program in CommonJS': { scripts: { start: 'node app.js', dev: 'node --watch app.js' } },
  'Next.js': {
    scripts: { dev: 'next dev', build: 'next build', start: 'next start' },
    dependencies: ['next'],
    says: [said('npm run dev \\(next dev\\), npm run start \\(next start\\)'), /serverExternalPackages/],
    left: ['script dev: next dev', 'script start: next start'],
  },
  'Next.js that leaves the SDK out of its bundles': {
    scripts: { start: 'next start' },
    dependencies: ['next'],
    files: { 'next.config.mjs': "export default { serverExternalPackages: ['@modelcontextprotocol/sdk'] };" },
    says: [said('npm run start \\(next start\\)')],
    left: ['script start: next start'],
  },
  Nest: {
    type: 'module',
    scripts: { start: 'nest start', 'start:prod': 'node dist/main' },
    says: [said('npm run start \\(nest start\\)')],
    left: ['script start: nest start'],
  },
  'a process manager': {
    scripts: { start: 'pm2-runtime ecosystem.config.js' },
    files: { 'ecosystem.config.js': "module.exports = { apps: [{ script: 'app.js' }] };" },
    says: [said('npm run start'), /application of ecosystem\.config\.js with NODE_OPTIONS=/],
    left: ['ecosystem.config.js: ecosystem.config.js', 'script start: pm2-runtime ecosystem.config.js'],
  },
  'a process manager that preloads': {
    files: {
      'ecosystem.config.js': "module.exports = { apps: [{ node_args: '--require ./audit-log.cjs' }] };",
    },
  },
  'an image that starts node': {
    type: 'module',
    files: { Dockerfile: 'FROM node:22\nWORKDIR /app\nCOPY . .\nCMD ["node", "app.js"]\n' },
    says: [/put before CMD in Dockerfile: ENV NODE_OPTIONS="--import \.\/audit-log\.mjs"/],
    left: ['Dockerfile: CMD ["node", "app.js"]'],
  },
  'an image that preloads': {
    type: 'module',
    files: {
      Dockerfile: 'FROM node:22\nENV NODE_OPTIONS="--import /app/audit-log.mjs"\nCMD ["node", "app.js"]\n',
    },
  },
  'an image that preloads in its command': {
    files: { Dockerfile: 'FROM node:22\nCMD ["node", "--require", "./audit-log.cjs", "app.js"]\n' },
  },
  'an image that runs a script': {
    scripts: { serve: 'node app.js' },
    files: { Dockerfile: 'FROM node:22\nCMD ["npm", "run", "serve"]\n' },
  },
  'serverless functions': {
    type: 'module',
    files: { 'serverless.yml': 'service: agent\n' },
    says: [/set NODE_OPTIONS="--import \.\/audit-log\.mjs" for the functions of serverless\.yml/],
    left: ['serverless.yml: serverless.yml'],
  },
  'a package of a workspace': {
    type: 'module',
    scripts: { start: 'tsx src/app.ts' },
    files: {
      '../node_modules/otel-mcp-log/package.json':
        '{"name":"otel-mcp-log","version":"1.0.0","main":"index.js"}',
      '../node_modules/otel-mcp-log/index.js': '',
    },
  },
  'a program that audits in its code': {
    type: 'module',
    scripts: { start: 'next start' },
    files: { 'src/agent.ts': 'withLogging(client, options);' },
    says: [/Nothing to do: src\/agent\.ts audits already/],
  },
};

describe('otel-mcp-log doctor after init', () => {
  for (const [name, layout] of Object.entries(LAYOUTS))
    it(`agrees with it on ${name}`, async () => {
      const folder = temporaryFolder();
      try {
        await agree(join(folder.path, 'app'), layout);
      } finally {
        folder.remove();
      }
    });
});

async function agree(cwd: string, { type, scripts, dependencies, files, says = [], left = [] }: Layout) {
  mkdirSync(cwd);
  const named = Object.fromEntries((dependencies ?? []).map((each) => [each, '*']));
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ type, scripts, dependencies: named }, null, 2));
  for (const [path, text] of Object.entries(files ?? {})) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  const { code, err } = await runCommand(['init', '--yes', cwd]);
  expect(code, err).to.equal(0);
  for (const form of says) expect(err).to.match(form);
  if (!says.some(({ source }) => source.includes('NODE_OPTIONS'))) expect(err).not.to.include('NODE_OPTIONS');
  const isBundled = err.includes('serverExternalPackages');
  expect(await found(cwd, 'not-preloaded')).to.have.members(left);
  expect(await found(cwd, 'bundler')).to.have.length(isBundled ? 1 : 0);
  const isSetUp = !err.includes('Nothing to do');
  // The variables that the preloaded file sets are known to the doctor, and its log can be made.
  expect(await found(cwd, 'unconfigured')).to.have.length(isSetUp ? 0 : 1);
  if (isSetUp) expect(await found(cwd, 'sink-ok')).to.deep.equal([`file ${join(cwd, 'audit.jsonl')}`]);
  if (left.length === 0) expect(await found(cwd, 'preloaded')).to.have.length(1);
  // What `init` says to set is what the doctor looks for.
  const options = /(?:NODE_OPTIONS=["'])([^"']+)/.exec(err)?.[1];
  if (options !== undefined)
    expect(await found(cwd, 'not-preloaded', { NODE_OPTIONS: options })).to.deep.equal([]);
  const again = await runCommand(['init', '--yes', cwd]);
  expect(again.err).to.include('Nothing to do');
}

async function found(cwd: string, topic: string, env: Record<string, string> = {}): Promise<string[]> {
  const findings = await diagnose({ cwd, env, offline: true });
  return findings.filter((each) => each.topic === topic).map(({ message }) => message);
}
