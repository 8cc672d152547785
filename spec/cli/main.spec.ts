import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../lib/cli/run.js';
import { runCli } from '../support/builtCli.js';

const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

describe('otel-mcp-log: the command line', () => {
  it('shows help on stdout when asked, on stderr with exit code 2 when called with nothing', async () => {
    const asked = await runCli(['--help']);
    expect(asked.code).to.equal(0);
    for (const name of Object.keys(COMMANDS)) expect(asked.stdout).to.match(new RegExp(`^  ${name} `, 'm'));
    const bare = await runCli([]);
    expect([bare.code, bare.stdout]).to.deep.equal([2, '']);
    expect(bare.stderr).to.equal(asked.stdout);
  });

  it('tells its version, the one of the package', async () => {
    expect((await runCli(['--version'])).stdout).to.equal(`otel-mcp-log ${version}\n`);
  });

  for (const name of Object.keys(COMMANDS)) {
    it(`has help for ${name} that names every option, both ways of asking`, async () => {
      const [flag, word] = [await runCli([name, '--help']), await runCli(['help', name])];
      expect([flag.code, word.code]).to.deep.equal([0, 0]);
      expect(flag.stdout).to.equal(word.stdout);
      expect(flag.stdout).to.include(`Usage: otel-mcp-log ${name} `).and.to.include('--help');
      // In one style: a sentence without its full stop, which begins with what the command does.
      expect(flag.stdout.split('\n')[0]).to.match(/^[A-Z][a-z]+ .*[^.]$/);
    });
  }

  it('suggests the command and the option that were meant', async () => {
    const command = await runCli(['qurey']);
    expect([command.code, command.stderr]).to.deep.equal([
      2,
      "otel-mcp-log: unknown command 'qurey'\nDid you mean 'query'?\nSee 'otel-mcp-log --help'.\n",
    ]);
    const option = await runCli(['query', '--outcom', 'denied']);
    expect([option.code, option.stderr]).to.deep.equal([
      2,
      "otel-mcp-log query: unknown option --outcom\nDid you mean --outcome?\nSee 'otel-mcp-log query --help'.\n",
    ]);
  });

  it('suggests nothing for what is near to nothing, and takes no inherited name for a command', async () => {
    expect((await runCli(['xyzzy'])).stderr).not.to.include('Did you mean');
    expect((await runCli(['constructor'])).code).to.equal(2);
  });

  it('says which option lacks its value', async () => {
    const { code, stderr } = await runCli(['query', '--actor']);
    expect(code).to.equal(2);
    expect(stderr).to.include('--actor needs a value (ID)');
  });

  it('gives errors as JSON to those who ask for JSON', async () => {
    const { code, stderr } = await runCli(['query', '--json', '--since', 'whenever', '-']);
    expect(code).to.equal(2);
    const error = JSON.parse(stderr) as { error: string; exit_code: number };
    expect(error.exit_code).to.equal(2);
    expect(error.error).to.equal('--since is no time');
  });

  it('colours only where it is wanted: never for NO_COLOR, always for FORCE_COLOR', async () => {
    const plain = await runCli(['--help'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
    expect(plain.stdout).not.to.include('\u001b');
    expect((await runCli(['--help'], { env: { FORCE_COLOR: '1' } })).stdout).to.include('\u001b[1m');
    expect((await runCli(['--help'])).stdout).not.to.include('\u001b');
  });
});
