import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { encodeLine } from '../../lib/codecs/json.js';
import { runCli, startCli } from '../support/builtCli.js';
import { runCliHere } from '../support/runCommand.js';
import { sampleLog } from '../support/sampleLog.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { HOSTILE_VALUES } from '../support/sampleWorld.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import type { AuditRecord } from '../../lib/schema/record.js';

const OPTIONS = { records: 2000, gaps: true, seed: 7 };

describe('query: filters', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const text = sampleLogText(OPTIONS);
  const records = [...sampleLog(OPTIONS)];
  const lines = text.trimEnd().split('\n');
  const query = (...args: string[]) => runCliHere(['query', ...args, log]);
  /** The lines, as they were logged, of the records that hold. */
  const expected = (holds: (record: AuditRecord) => boolean) =>
    lines
      .filter((_, index) => holds(records[index]!))
      .map((line) => `${line}\n`)
      .join('');

  before(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
    writeFileSync(log, text);
  });
  after(() => folder.remove());

  it('gives back the log, byte for byte', async () => {
    const { code, stdout, stderr } = await runCli(['query', log]);
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.equal(text);
  });

  const failed = (record: AuditRecord) => record.outcome.startsWith('OUTCOME_FAILURE');
  const cases: [string[], (record: AuditRecord) => boolean][] = [
    [['--outcome', 'failure'], failed],
    [['--outcome', 'denied,unauthorized'], ({ outcome }) => /DENIED|UNAUTHORIZED/.test(outcome)],
    [['--actor', 'mallory@example.com'], ({ actor_id }) => actor_id === 'mallory@example.com'],
    [
      ['--actor', '*@example.com', '--outcome', 'failure'],
      (r) => r.actor_id.endsWith('@example.com') && failed(r),
    ],
    [
      ['--actor', 'bob@example.com', '--actor', 'nightly-sync'],
      ({ actor_id }) => /^(bob@example.com|nightly-sync)$/.test(actor_id),
    ],
    // A hyphen beside a wildcard.
    [['--actor', 'research-*'], ({ actor_id }) => actor_id === 'research-agent'],
    [['--actor', '*-age?t'], ({ actor_id }) => /^(research|billing)-agent$/.test(actor_id)],
    [['--tool', 're?und'], ({ mcp }) => mcp?.tool_name === 'refund'],
    [['--resource', 'tools/*'], ({ resource }) => resource.startsWith('tools/')],
    [['--resource', 'file:///srv/*'], ({ resource }) => resource.startsWith('file:///srv/')],
    [['--server', 'billing'], ({ server_id }) => server_id === 'billing'],
    [
      ['--server', 'https://weather.example/*'],
      ({ mcp }) => mcp?.server_address === 'https://weather.example/mcp',
    ],
    [['--event', 'login'], ({ event_type }) => event_type === 'EVENT_LOGIN'],
    [['--severity', 'warning'], ({ severity }) => /WARNING|ERROR/.test(severity)],
    [['--contains', 'invoice'], (record) => JSON.stringify(record).includes('invoice')],
    [
      ['--contains', 'invoice', '--contains', 'billing'],
      (record) => /billing/.test(JSON.stringify(record)) && /invoice/.test(JSON.stringify(record)),
    ],
    [['--contains', '/srv/data/7'], (record) => JSON.stringify(record).includes('/srv/data/7')],
    [
      ['--since', '2026-01-05T07:00Z', '--until', '2026-01-05T08:00:00+00:00'],
      ({ time }) => time >= '2026-01-05T07' && time < '2026-01-05T08',
    ],
    [['--until', '2026-01-05'], ({ time }) => time < '2026-01-06'],
    [['--session', 'session-0-3'], ({ session_id }) => session_id === 'session-0-3'],
    [['--trace', records[42]!.trace_id], ({ trace_id }) => trace_id === records[42]!.trace_id],
    [['--id', records[99]!.record_id], ({ record_id }) => record_id === records[99]!.record_id],
  ];
  for (const [args, holds] of cases) {
    it(`finds by ${args.join(' ').slice(0, 70)}`, async () => {
      const wanted = expected(holds);
      expect(wanted).not.to.equal('');
      const { code, stdout } = await query(...args);
      expect(code).to.equal(0);
      expect(stdout).to.equal(wanted);
      expect((await query('--count', ...args)).stdout).to.equal(`${wanted.split('\n').length - 1}\n`);
    });
  }

  it('finds by --side the records of clients and of servers, and none of the log itself', async () => {
    const { mcp, ...log } = records[1]!;
    const served = { ...records[2]!, mcp: { ...mcp!, side: 'server' as const } };
    const file = join(folder.path, 'sides.jsonl');
    writeFileSync(file, [records[1]!, served, log].map((record) => `${JSON.stringify(record)}\n`).join(''));
    const found = async (...args: string[]) =>
      (await runCliHere(['query', ...args, file])).stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AuditRecord);
    expect(await found('--side', 'server')).to.deep.equal([served]);
    expect(await found('--side', 'Client')).to.deep.equal([records[1]]);
    expect(await found('--side', 'client,server')).to.have.length(2);
    const { code, stderr } = await runCliHere(['query', '--side', 'sever', file]);
    expect([code, stderr.includes("Did you mean 'server'?")], stderr).to.deep.equal([2, true]);
  });

  it('finds by --actor who acted and for whom, and shows by what authority', async () => {
    const authority = { type: 'approval', id: 'CHG-4711', issuer: 'ops@example.com' };
    const own = { ...records[1]!, actor_id: 'ada' };
    const delegated = { ...records[2]!, actor_id: 'support-agent', on_behalf_of: 'ada', authority };
    const file = join(folder.path, 'delegated.jsonl');
    writeFileSync(file, [records[0]!, own, delegated].map((record) => `${encodeLine(record)}\n`).join(''));
    const found = async (actor: string) =>
      (await runCliHere(['query', `--actor=${actor}`, file])).stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AuditRecord);
    expect((await found('ada')).map(({ seq }) => seq)).to.deep.equal([own.seq, delegated.seq]);
    const [one, ...others] = await found('support-agent');
    expect(one).to.deep.include({ on_behalf_of: 'ada', authority });
    expect(others).to.deep.equal([]);
  });

  it('finds by --actor any party of a chain, and passes over what is no chain', async () => {
    const actor_chain = [
      { id: 'sub-agent', identity: 'self-reported', source: 'caller' },
      { id: 'agent-7', identity: 'self-reported', source: 'program' },
      { id: 'ada', identity: 'verified', issuer: 'https://issuer.example', source: 'token' },
    ] as const;
    const chained = { ...records[1]!, actor_id: 'agent-7', actor_chain };
    const hidden = { ...records[2]!, actor_chain: '[REDACTED]' as never };
    const odd = { ...records[3]!, actor_chain: ['[REDACTED]', null, { id: 7 }] as never };
    const file = join(folder.path, 'chained.jsonl');
    writeFileSync(file, [hidden, chained, odd].map((record) => `${encodeLine(record)}\n`).join(''));
    for (const actor of ['sub-agent', 'sub-*', 'agent-7', 'ada']) {
      const { code, stdout } = await runCliHere(['query', `--actor=${actor}`, file]);
      expect([code, stdout]).to.deep.equal([0, `${encodeLine(chained)}\n`]);
    }
    expect(await runCliHere(['query', '--actor=[REDACTED]', '--count', file])).to.include({ stdout: '0\n' });
  });

  it('finds nothing without complaint', async () => {
    expect(await query('--actor', 'nobody')).to.include({ code: 0, stdout: '', stderr: '' });
  });

  it('finds hostile values by their exact text', async () => {
    const hostile = { records: 200, hostile: true };
    writeFileSync(join(folder.path, 'hostile.jsonl'), sampleLogText(hostile));
    for (const value of HOSTILE_VALUES) {
      const exact = value.replace(/[*?\0]/g, '?');
      const { stdout } = await runCliHere([
        'query',
        '--count',
        `--actor=${exact}`,
        join(folder.path, 'hostile.jsonl'),
      ]);
      const wanted = [...sampleLog(hostile)].filter(({ actor_id }) => actor_id === value).length;
      expect([value, stdout]).to.deep.equal([value, `${wanted}\n`]);
      expect(wanted).to.be.greaterThan(0);
    }
  });

  it('finds the same with lines cut anywhere between two reads, compressed, and over standard input', async () => {
    const wanted = expected(failed);
    const zipped = gzipSync(text);
    writeFileSync(join(folder.path, 'old.jsonl.gz'), zipped);
    expect(
      (await runCli(['query', '--outcome', 'failure', join(folder.path, 'old.jsonl.gz')])).stdout,
    ).to.equal(wanted);
    expect((await runCli(['query', '--outcome', 'failure', '-'], { stdin: zipped })).stdout).to.equal(wanted);
    const { child, finished } = startCli(['query', '--outcome', 'failure']);
    for (let at = 0; at < text.length; at += 7919) {
      const piece = text.slice(at, at + 7919);
      if (!child.stdin.write(piece)) await new Promise((resolve) => child.stdin.once('drain', resolve));
    }
    child.stdin.end();
    expect((await finished).stdout).to.equal(wanted);
  });

  it('reads rotated files with the log, each once, also where a shell names them all', async () => {
    const rotated = join(folder.path, 'rotated.jsonl');
    writeFileSync(`${rotated}.2.gz`, gzipSync(`${lines.slice(0, 700).join('\n')}\n`));
    writeFileSync(`${rotated}.1`, `${lines.slice(700, 1500).join('\n')}\n`);
    writeFileSync(rotated, `${lines.slice(1500).join('\n')}\n`);
    expect((await runCliHere(['query', rotated])).stdout).to.equal(text);
    expect((await runCliHere(['query', rotated, `${rotated}.1`, `${rotated}.2.gz`])).stdout).to.equal(text);
  });

  it('stops after --limit, and when nobody reads on', async () => {
    expect((await query('--limit', '3')).stdout).to.equal(`${lines.slice(0, 3).join('\n')}\n`);
    const { child, finished } = startCli(['query', log]);
    child.stdout.destroy();
    expect(await finished).to.include({ stderr: '' });
  });

  it('picks fields, as JSON, as CSV and as a table', async () => {
    const [first] = records;
    const fields = ['--limit', '1', '--fields', 'time,mcp.method,metadata.product_name'];
    expect(JSON.parse((await query(...fields)).stdout)).to.deep.equal({
      time: first!.time,
      'metadata.product_name': 'otel-mcp-log',
    });
    expect((await query('--format', 'csv', ...fields)).stdout).to.equal(
      `time,mcp.method,metadata.product_name\r\n${first!.time},,otel-mcp-log\r\n`,
    );
    expect((await query('--format', 'table', ...fields)).stdout).to.match(/^TIME +MCP\.METHOD +METADATA/);
  });

  for (const [columns, heads] of [
    ['60', ['OUTCOME', 'WHAT', 'MESSAGE']],
    ['80', ['OUTCOME', 'WHAT', 'MESSAGE', 'TIME']],
    ['100', ['OUTCOME', 'WHAT', 'MESSAGE', 'TIME', 'ACTOR']],
    ['140', ['OUTCOME', 'WHAT', 'MESSAGE', 'TIME', 'ACTOR', 'TOOK', 'SERVER']],
  ] as const)
    it(`shows ${heads.join(', ')} in ${columns} columns, as COLUMNS asks for`, async () => {
      const options = { env: { COLUMNS: columns } };
      const { stdout } = await runCli(['query', '--format', 'table', '--outcome', 'failure', log], options);
      const [head = '', ...rows] = stdout.trimEnd().split('\n');
      expect(head.split(/ +/)).to.deep.equal(heads);
      const wide = rows.filter((row) => [...row].length > Number(columns));
      expect(wide).to.deep.equal([]);
      const { error, resource } = records.find(failed)!;
      expect(rows[0]).to.include(resource.slice(0, 19)).and.include(error!.type.slice(0, 19));
    });

  it('says how many records it has read so far, where --limit ends it early', async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const stderr = Object.assign(new PassThrough(), { isTTY: true });
    const { runCli: runHere } = await import('../../lib/cli/run.js');
    await runHere(['query', '--format', 'table', '-n', '4', log], { stdin, stdout, stderr, env: {} });
    expect(String(stderr.read())).to.match(/4 of the [\d,]+ read so far/);
  });

  it('counts and searches undecoded lines as it does decoded ones, also where lines are no records of ours', async () => {
    const [first, second, third] = lines.map((line) => JSON.parse(line) as AuditRecord);
    const spaced = JSON.stringify(first, null, 1).replaceAll('\n', '');
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(second!).reverse()));
    const later = JSON.stringify({ ...third, metadata: { ...third!.metadata, schema_version: '2.0' } });
    const torn = `${lines[3]!.slice(0, 400)}${lines[4]!}`;
    const mixed = [
      ...lines.slice(0, 5),
      spaced,
      torn,
      reordered,
      later,
      '{"record_id":"x"}',
      ...lines.slice(5),
    ];
    const path = join(folder.path, 'mixed.jsonl');
    writeFileSync(path, `${mixed.join('\n')}\n`);
    const all = await runCliHere(['query', '--json', path]);
    expect(all.stdout.split('\n')).to.have.length(lines.length + 3);
    expect(all.code).to.equal(3);
    const counted = await runCliHere(['query', '--count', path]);
    expect([counted.code, counted.stdout]).to.deep.equal([3, `${lines.length + 2}\n`]);
    expect(counted.stderr).to.include(`${path}:7 `).and.include(`${path}:9 `).and.include(`${path}:10 `);
    const found = await runCliHere(['query', '--contains', 'OUTCOME_', '--json', path]);
    expect(found.stdout).to.equal(all.stdout);
    const { stderr } = await runCliHere(['query', '--gaps', '--count', path]);
    expect(stderr).to.include(`${path}:6 `).and.include('counting starts anew: seq 0 again');
    expect(stderr).to.include('3 records missing before this one: seq 2 to 4');
  });

  it('decides alike on decoded lines and on bytes, also where a text is a part of an escaped character', async () => {
    const path = join(folder.path, 'escaped.jsonl');
    const escaped = records
      .slice(0, 3)
      .map((record) => encodeLine({ ...record, message: 'left\u202e right' }));
    writeFileSync(path, `${escaped.join('\n')}\n`);
    for (const [wanted, count] of [
      ['202e', 3],
      ['202e right', 3],
      ['left\u202e right', 3],
      ['u202f', 0],
    ] as const) {
      const counted = await runCliHere(['query', '--count', '--contains', wanted, path]);
      const listed = await runCliHere(['query', '--fields', 'seq', '--contains', wanted, path]);
      const found = [counted.stdout, listed.stdout.split('\n').length - 1];
      expect(found, wanted).to.deep.equal([`${count}\n`, count]);
    }
  });

  it('names what is missing, with --gaps, and ends with exit code 1', async () => {
    const { code, stdout, stderr } = await query('--gaps');
    expect(code).to.equal(1);
    expect(stdout).to.equal(
      expected((r) => r.resource === 'audit/gap' || r.error?.type === 'unknown_outcome'),
    );
    expect(stderr).to.include(
      `${log}:601 (byte ${Buffer.byteLength(`${lines.slice(0, 600).join('\n')}\n`)}): 7 records missing before this one: seq 600 to 606`,
    );
    const whole = join(folder.path, 'whole.jsonl');
    writeFileSync(whole, sampleLogText({ records: 100 }));
    expect((await runCliHere(['query', '--gaps', whole])).code).to.equal(0);
  });

  it('writes a file that its owner alone can read', async () => {
    const file = join(folder.path, 'found.jsonl');
    expect((await query('--outcome', 'failure', '-o', file)).stdout).to.equal('');
    expect(readFileSync(file, 'utf8')).to.equal(expected(failed));
  });

  it('shows no control character of a record on a terminal, in no format for people', async () => {
    const hostile = join(folder.path, 'hostile.jsonl');
    for (const args of [
      ['--format', 'table', '--details'],
      ['--format', 'csv'],
      ['--follow-trace', [...sampleLog({ records: 200, hostile: true })][61]!.trace_id],
    ]) {
      const { stdout } = await runCliHere(['query', ...args, hostile]);
      expect(stdout.length).to.be.greaterThan(100);
      expect(stdout).not.to.match(
        /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/,
      );
    }
  });
});
