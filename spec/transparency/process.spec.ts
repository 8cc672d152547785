import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const program = fileURLToPath(new URL('children/program.ts', import.meta.url));

/** The endings that the quick run of the tests looks at. */
const QUICK = new Set(['by process.exit', 'by a signal']);

/** How a program ended, and what it left behind on its streams, without lines of stacks that lead through files of ours. */
async function run(ending: string, isAudited: boolean): Promise<unknown> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, ending, String(isAudited)]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout: withoutOurs(stdout), stderr: withoutOurs(stderr) };
}

const withoutOurs = (text: string): string[] => text.split('\n').filter((line) => !line.includes('/lib/'));

describe('a process whose client is audited', function () {
  this.timeout(60_000);

  for (const ending of [
    'by itself',
    'without a close',
    'with a call under way',
    'by process.exit',
    'by an error that nobody handles',
    'by an error of its own',
    'by a signal',
  ]) {
    it(`ends ${ending} as it would without${QUICK.has(ending) ? '' : ' @slow'}`, async () => {
      const [bare, audited] = await Promise.all([run(ending, false), run(ending, true)]);
      expect(audited).to.deep.equal(bare);
      expect(bare)
        .to.have.property('stdout')
        .that.satisfies((lines: string[]) => lines.join().includes('hello'));
    });
  }
});
