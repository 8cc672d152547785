import { expect } from 'chai';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runCli } from '../support/builtCli.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('the command line: bad input', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const at = (name: string) => join(folder.path, name);
  const lines = sampleLogText({ records: 6 }).trimEnd().split('\n');
  const put = (name: string, content: string | Buffer) => {
    writeFileSync(at(name), content);
    return at(name);
  };
  // Root may read everything, but for a process that has given up that right (util-linux has setpriv, so Debian does).
  const root = process.getuid?.() === 0;
  const DROP = ['/usr/bin/setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
  const cannotDrop = root && !existsSync(DROP[0]!);

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  /** Between two good lines stands a bad one: it is named by line and byte, the good ones are served, and the exit code is 3. */
  const bad: [string, string, string][] = [
    ['an empty line', '', 'the line is empty'],
    ['a foreign line', 'Jan 15 09:30:00 host sshd[1]: hello', 'not an audit record: not JSON'],
    ['half a line', lines[2]!.slice(0, 200), 'half a line: the record breaks off before its end'],
    ['JSON that is no object', '[1]', 'not an audit record: JSON, but no object'],
    [
      'an object that is no record',
      '{"a":1}',
      'not an audit record: a JSON object without record_id, time and outcome',
    ],
    [
      'a record of another schema',
      lines[2]!.replace('"schema_version":"1.0.0"', '"schema_version":"9.1"'),
      "a record of schema version 9.1; this program reads 'documented' (1.x) and 0.2",
    ],
  ];
  for (const [what, line, reason] of bad) {
    it(`names ${what} with file, line and byte, and serves the rest`, async () => {
      const path = put('audit.jsonl', `${lines[0]!}\n${lines[1]!}\n${line}\n${lines[3]!}\n`);
      const { code, stdout, stderr } = await runCli(['query', path]);
      expect(code).to.equal(3);
      expect(stdout).to.equal(`${lines[0]!}\n${lines[1]!}\n${lines[3]!}\n`);
      expect(stderr).to.equal(`${path}:3 (byte ${lines[0]!.length + lines[1]!.length + 2}): ${reason}\n`);
    });
  }

  it('notices a bad line that no filter asks for', async () => {
    const path = put('audit.jsonl', `${lines[0]!}\nrubbish\n${lines[1]!}\n`);
    const { code, stderr } = await runCli(['query', '--actor', 'nobody-at-all', path]);
    expect([code, stderr]).to.deep.equal([
      3,
      `${path}:2 (byte ${lines[0]!.length + 1}): not an audit record: not JSON\n`,
    ]);
  });

  it('serves a last record that lacks its line end, and names one that is cut', async () => {
    expect(await runCli(['query', put('whole.jsonl', lines[0]!)])).to.include({
      code: 0,
      stdout: `${lines[0]!}\n`,
    });
    const cut = put('cut.jsonl', `${lines[0]!}\n${lines[1]!.slice(0, -40)}`);
    const { code, stderr } = await runCli(['query', cut]);
    expect([code, stderr]).to.deep.equal([
      3,
      `${cut}:2 (byte ${lines[0]!.length + 1}): half a line: the record breaks off before its end\n`,
    ]);
  });

  it('shows a few of many bad lines, and counts the rest', async () => {
    const path = put('audit.jsonl', `${'x\n'.repeat(40)}${lines[0]!}\n`);
    const { stdout, stderr } = await runCli(['query', path]);
    expect(stdout).to.equal(`${lines[0]!}\n`);
    expect(stderr.trimEnd().split('\n')).to.have.length(6);
    expect(stderr).to.include('and 35 more lines like these');
  });

  it('says in one line what is wrong with a whole file, and serves the others', async () => {
    const good = put('good.jsonl', `${lines[0]!}\n`);
    mkdirSync(at('folder'));
    const broken = put('broken.jsonl.gz', gzipSync(lines.join('\n')).subarray(0, 300));
    const empty = put('empty.jsonl', '');
    const { code, stdout, stderr } = await runCli(['query', at('folder'), at('absent'), empty, broken, good]);
    expect(code).to.equal(3);
    expect(stdout.endsWith(`${lines[0]!}\n`)).to.equal(true);
    const [directory, absent, nothing, damaged] = stderr.split('\n');
    expect(directory).to.equal(`${at('folder')}: is a directory, not a log`);
    expect(absent).to.equal(`${at('absent')}: no such file or directory`);
    expect(nothing).to.equal(`${empty}: is empty: there is no record in it`);
    expect(damaged).to.match(/broken\.jsonl\.gz: .*damaged: unexpected end of file/);
  });

  it(`says that it may not read a file${cannotDrop ? ' [skipped: root may read everything]' : ''}`, async function () {
    if (cannotDrop) this.skip();
    const path = put('secret.jsonl', `${lines[0]!}\n`);
    chmodSync(path, 0);
    const run = await runCli(['query', path], { through: root ? DROP : [] });
    expect(run).to.include({ code: 3, stdout: '', stderr: `${path}: permission denied\n` });
  });

  it('passes over a line that goes on for megabytes, in bounded memory', async () => {
    const path = put('long.jsonl', `${lines[0]!}\n${'y'.repeat(40 << 20)}\n${lines[1]!}\n`);
    const { code, stdout, stderr } = await runCli(['query', path], { node: ['--max-old-space-size=64'] });
    expect(code).to.equal(3);
    expect(stdout).to.equal(`${lines[0]!}\n${lines[1]!}\n`);
    expect(stderr).to.equal(
      `${path}:2 (byte ${lines[0]!.length + 1}): a line of more than 16 MB: not an audit record\n`,
    );
  });

  it('gives problems as JSON to those who ask for JSON', async () => {
    const path = put('audit.jsonl', `x\n${lines[0]!}\n`);
    const { stderr } = await runCli(['query', '--json', path]);
    expect(JSON.parse(stderr)).to.deep.equal({
      problem: 'not an audit record: not JSON',
      file: path,
      line: 1,
      offset: 0,
    });
  });

  it('quotes nothing of what it could not read', async () => {
    const path = put('audit.jsonl', '{"password":"hunter2"\n"hunter2"\n');
    for (const args of [
      ['query'],
      ['tail', '--no-follow'],
      ['report', '-o', at('r.html')],
      ['export', '-f', 'ecs'],
    ]) {
      const { code, stdout, stderr } = await runCli([...args, path]);
      expect([args[0], code]).to.deep.equal([args[0], 3]);
      expect(stdout + stderr).not.to.include('hunter2');
    }
  });
});
