import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from '../../lib/cli/commands/redact.js';
import { ExitCode } from '../../lib/cli/shared/command.js';
import { runCli } from '../support/builtCli.js';
import { draftRecord } from '../support/draftRecord.js';

const run = (args: string[], stdin = '') => runCli(['redact', ...args], { stdin });

describe('otel-mcp-log redact', () => {
  let folder: string;
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'redact-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('shows what the defaults make of arguments on standard input', async () => {
    const { code, stdout, stderr } = await run([], '{"password":"x","city":"Paris"}');
    expect(JSON.parse(stdout)).to.deep.equal({ password: '[REDACTED]', city: 'Paris' });
    expect([code, stderr]).to.deep.equal([ExitCode.ok, '']);
  });

  it('shows what a policy with regular expressions and overrides makes of a file', async () => {
    const policy = file('policy.json', {
      redactPatterns: ['iban', { regex: '^X-', flags: 'i' }],
      redactValues: { patterns: [{ regex: '\\bEMP-\\d+' }] },
      tools: { pay: { redactPatterns: ['note'] } },
    });
    const sample = file('sample.json', { iban: 1, 'x-a': 2, note: 'EMP-12', ok: 'EMP-12' });
    const all = await run(['--policy', policy, sample]);
    expect(JSON.parse(all.stdout)).to.deep.equal({
      iban: '[REDACTED]',
      'x-a': '[REDACTED]',
      note: '[REDACTED]',
      ok: '[REDACTED]',
    });
    const pay = await run(['--policy', policy, '--tool', 'pay', sample.toString()]);
    expect(pay.code).to.equal(ExitCode.ok);
    expect(JSON.parse(pay.stdout)).to.have.property('note', '[REDACTED]');
  });

  it('redacts a record as a record, and text as text', async () => {
    const record = draftRecord({
      tool_arguments: { token: 'x' },
      tool_result: 'y',
      resource_uri: 'x://u:p@h',
    });
    const { stdout } = await run(['-'], JSON.stringify(record));
    expect(stdout).to.contain('x://[REDACTED]@h').and.not.to.contain('tool_result');
    expect((await run(['--text'], 'GET https://h/?q=1')).stdout).to.equal('GET https://h/?q=[REDACTED]\n');
  });

  it('says what is wrong, by exit code and without quoting secrets', async () => {
    const secret = 'hunter2222';
    for (const [args, code, says] of [
      [['--polcy', secret], ExitCode.usage, 'unknown option --polcy'],
      [['a', 'b'], ExitCode.usage, 'one sample'],
      [[join(folder, 'missing.json')], ExitCode.input, 'no such file or directory'],
      [['--policy', file('bad.json', `{ ${secret}`)], ExitCode.input, 'the policy is not JSON'],
      [[file('bad2.json', `{ ${secret}`)], ExitCode.input, 'the sample is not JSON'],
      [['--policy', file('p1.json', { redactPattern: [secret] })], ExitCode.usage, 'redactPattern'],
      [
        ['--policy', file('p2.json', { redactPatterns: [{ regex: `(${secret}` }] })],
        ExitCode.usage,
        'not a regular expression',
      ],
      [
        ['--policy', file('p3.json', { redactPatterns: [{ regex: '(a+)+' }] })],
        ExitCode.usage,
        'unsafe pattern',
      ],
      [['--policy', file('p4.json', { replacement: 'hmac', hmacKey: secret })], ExitCode.usage, 'hmacKey'],
      [['--policy', file('p5.json', [secret])], ExitCode.usage, 'redaction'],
    ] as [string[], number, string][]) {
      const result = await run(args);
      expect(result.stderr, says).to.contain(says).and.not.to.contain(secret);
      expect(result.code, says).to.equal(code);
      expect(result.stdout).to.equal('');
    }
  });

  it('has help', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).to.equal(ExitCode.ok);
    expect(stdout).to.equal(command.help);
  });
});
