import { expect } from 'chai';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newKey } from '../support/signing.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = join(root, 'node_modules/typescript-7/bin/tsc');

const USE = `
const verifiers: NoteVerifier[] = [parseVkey(process.env['VKEY'] ?? '')];
async function* log() { yield Buffer.from('{}\\n'); }
const report: Promise<VerifyReport> = verifyLog(log(), { verifiers, checkpoint: { name: 'none', note: '' } });
report.then(({ ok, size, problems }) => console.log(ok, size, problems[0]?.kind, new IntegrityError('x').code));
`;

/** The same program in both module systems, as a user who has the package writes it. */
const PROGRAMS = {
  'esm.mts': `
    import { IntegrityError, type FileIntegrityOptions } from 'otel-mcp-log';
    import { parseVkey, verifyLog, type NoteVerifier, type VerifyReport } from 'otel-mcp-log/integrity';
    ${USE} export type Used = FileIntegrityOptions;`,
  'cjs.cts': `
    import { parseVkey, verifyLog, type NoteVerifier, type VerifyReport } from 'otel-mcp-log/integrity';
    import { IntegrityError, type FileIntegrityOptions } from 'otel-mcp-log';
    ${USE} export type Used = FileIntegrityOptions;`,
};

describe('otel-mcp-log/integrity', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();

  before(() => {
    mkdirSync(join(folder.path, 'node_modules'));
    symlinkSync(root, join(folder.path, 'node_modules/otel-mcp-log'));
    symlinkSync(join(root, 'node_modules/@types'), join(folder.path, 'node_modules/@types'));
    for (const [name, source] of Object.entries(PROGRAMS)) writeFileSync(join(folder.path, name), source);
  });
  after(() => folder.remove());

  it('has types for ES modules and for CommonJS', () => {
    const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
    const run = spawnSync(process.execPath, [tsc, ...options, ...Object.keys(PROGRAMS)], {
      cwd: folder.path,
    });
    expect(run.stdout.toString()).to.equal('');
    expect(run.status).to.equal(0);
  });

  for (const name of ['esm.mjs', 'cjs.cjs'])
    it(`runs as ${name}`, () => {
      const env = { ...process.env, VKEY: newKey('audit.example.com/agents').vkey };
      const printed = execFileSync(process.execPath, [name], { cwd: folder.path, env }).toString();
      expect(printed).to.equal('false 1 checkpoint MCP_LOG_ERR_INTEGRITY\n');
    });
});
