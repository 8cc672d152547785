import { expect } from 'chai';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtBinary } from '../support/builtCli.js';
import { makeWalkthrough } from '../support/walkthroughLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The console blocks of the page: each command line, and what it prints. */
function blocksOf(page: string): { command: string; output: string }[] {
  return [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.split(/^\$ /m).slice(1))
    .map((session) => {
      const [, command = '', output = ''] = /^((?:.*\\\n)*.*)\n([\s\S]*)$/.exec(session) ?? [];
      return { command, output };
    });
}

/** What follows from the exact bytes of a record is not what the page is about. */
function masked(text: string): string {
  return text.replace(/[A-Za-z0-9+/]{43,}=*/g, '<base64>').replace(/byte \d+/g, 'byte <offset>');
}

describe('docs: the walkthrough of an auditor', function () {
  this.timeout(300_000);

  it('prints what the page shows, command by command', async () => {
    const folder = temporaryFolder();
    await makeWalkthrough(folder.path);
    const blocks = blocksOf(readFileSync(root('docs/integrity.md'), 'utf8'));
    expect(blocks.length).to.be.greaterThan(8);
    const script = [
      `otel-mcp-log() { '${process.execPath}' '${builtBinary()}' "$@" 2>&1; }`,
      ...blocks.map(({ command }) => `${command}\necho '===='`),
    ].join('\n');
    const printed = execFileSync('bash', ['-c', script], { cwd: folder.path }).toString().split('====\n');
    blocks.forEach(({ command, output }, at) =>
      expect(masked(`${command}\n${printed[at]}`)).to.equal(masked(`${command}\n${output}`)),
    );
    folder.remove();
  });

  it('verifies in a program as the page shows', async () => {
    const folder = temporaryFolder();
    const inFolder = (name: string) => join(folder.path, name);
    await makeWalkthrough(folder.path);
    const page = readFileSync(root('docs/integrity.md'), 'utf8').split('### In a program')[1] ?? '';
    const [, program = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(page) ?? [];
    mkdirSync(inFolder('node_modules'));
    symlinkSync(root(''), inFolder('node_modules/otel-mcp-log'));
    writeFileSync(inFolder('program.mjs'), `${program}console.log(report.ok, report.size);`);
    // The program reads one stream: the log as one file.
    const lines = [inFolder('audit.jsonl.000001'), inFolder('audit.jsonl')].map((file) => readFileSync(file));
    writeFileSync(inFolder('audit.jsonl'), Buffer.concat(lines));
    copyFileSync(inFolder('audit.jsonl.integrity/checkpoint'), inFolder('checkpoint'));
    const AUDIT_VKEY = readFileSync(inFolder('auditor/audit.vkey'), 'utf8').trim();
    const run = () => {
      const options = { cwd: folder.path, env: { ...process.env, AUDIT_VKEY } };
      const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], options);
      return stdout.toString() + stderr.toString();
    };
    expect(run()).to.equal('true 100\n');
    writeFileSync(
      inFolder('audit.jsonl'),
      Buffer.concat(lines).toString().replace('was called', 'was culled'),
    );
    expect(run()).to.contain('false 100\n').and.to.contain('record');
    folder.remove();
  });
});
