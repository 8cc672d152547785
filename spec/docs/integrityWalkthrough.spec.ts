import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
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
      `otel-mcp-log() { '${process.execPath}' --import '${pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href}' '${root('lib/cli/main.ts')}' "$@" 2>&1; }`,
      ...blocks.map(({ command }) => `${command}\necho '===='`),
    ].join('\n');
    const printed = execFileSync('bash', ['-c', script], { cwd: folder.path }).toString().split('====\n');
    blocks.forEach(({ command, output }, at) =>
      expect(masked(`${command}\n${printed[at]}`)).to.equal(masked(`${command}\n${output}`)),
    );
    folder.remove();
  });
});
