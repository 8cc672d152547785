import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCli } from '../support/builtCli.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const HERE = spawnSync('clickhouse-server', ['--help']).error === undefined;

interface ClickHouse {
  readonly url: string;
  query(sql: string, body?: string): Promise<string>;
  run(script: string): Promise<void>;
  stop(): Promise<void>;
}

/** Something that answers as ClickHouse's HTTP interface does, and notes what it was asked. */
async function fakeClickHouse(status: number, answer: string) {
  const asked: { sql: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    asked.push({ sql: Buffer.concat(parts).toString(), headers: request.headers });
    response.writeHead(status).end(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `clickhouse+http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, address, stop: () => void server.close() };
}

describe('query of a table in ClickHouse', () => {
  const [line = ''] = sampleLogText({ records: 1 }).split('\n');

  it('asks for lines that the filter may want, as the account that the environment names', async () => {
    const { asked, address, stop } = await fakeClickHouse(200, `${line}\n`);
    const filter = ['--since', '2026-01-01', '--actor', "o'brien\\x@*", '--outcome', 'success'];
    const env = { CLICKHOUSE_USER: 'auditor', CLICKHOUSE_PASSWORD: 'sesame' };
    const { code } = await runCli(['query', ...filter, `${address}/audit/records`], { env });
    stop();
    expect(code).to.equal(0);
    expect(asked[0]!.headers).to.include({ 'x-clickhouse-user': 'auditor', 'x-clickhouse-key': 'sesame' });
    expect(asked[0]!.sql).to.equal(
      "SELECT line FROM audit.records FINAL WHERE line != '' AND time >= '2026-01-01T00:00:00.000Z' AND (position(line, '\"OUTCOME_SUCCESS\"') > 0) AND (position(line, 'brien') > 0) ORDER BY time, log_id, seq SETTINGS max_bytes_before_external_sort = 1000000000 FORMAT TabSeparatedRaw",
    );
  });

  it('shows what the filter wants of what comes, and names what is no record', async () => {
    const { address, stop } = await fakeClickHouse(200, `${line}\nCode: 241, e.displayText() = memory\n`);
    const { code, stdout, stderr } = await runCli(['query', address]);
    const none = await runCli(['query', '--actor', 'nobody', '--count', address]);
    stop();
    expect([code, stdout]).to.deep.equal([3, `${line}\n`]);
    expect(stderr).to.include(`${address}:2 (byte ${Buffer.byteLength(line) + 1}): not an audit record`);
    expect(none.stdout).to.equal('0\n');
  });

  it('says what is wrong where there is no answer, or another one', async () => {
    const { address, stop } = await fakeClickHouse(
      404,
      'Code: 60, Table default.mcp_audit does not exist\nmore',
    );
    const refused = await runCli(['query', address]);
    stop();
    const words = 'ClickHouse answered 404: Code: 60, Table default.mcp_audit does not exist';
    expect([refused.code, refused.stderr.includes(`${address}: ${words}\n`)]).to.deep.equal([3, true]);
    const gone = await runCli(['query', address]);
    expect([gone.code, gone.stderr.includes('ClickHouse cannot be reached (ECONNREFUSED)')]).to.deep.equal([
      3,
      true,
    ]);
    for (const [bad, why] of [
      ['clickhouse+https://ada:sesame@db.example/', /seen by other users.*\n.*CLICKHOUSE_PASSWORD/],
      ['clickhouse+https://db.example/a/b/c', /no address of a table/],
      ['clickhouse+https://db.example/audit/x;DROP', /no address of a table/],
    ] as const) {
      const { code, stderr } = await runCli(['query', bad]);
      expect([bad, code]).to.deep.equal([bad, 2]);
      expect(stderr).to.match(why).and.not.include('sesame');
    }
    for (const command of [
      ['query', '--access-log'],
      ['evidence', '--framework', 'pci'],
    ])
      expect((await runCli([...command, 'clickhouse+https://db.example/'])).code).to.equal(2);
  });

  (HERE ? describe : describe.skip)(
    `and of files, side by side @slow${HERE ? '' : ' (no clickhouse-server here)'}`,
    function () {
      this.timeout(60_000);
      let folder: ReturnType<typeof temporaryFolder>;
      let clickHouse: ClickHouse;
      let log: string;
      let table: string;

      before(async () => {
        folder = temporaryFolder();
        log = join(folder.path, 'audit.jsonl');
        writeFileSync(log, sampleLogText({ records: 2000, gaps: true, hostile: true, seed: 7 }));
        const { startClickHouse } = (await import('../../examples/clickhouse/server.mjs' as string)) as {
          startClickHouse(): Promise<ClickHouse>;
        };
        clickHouse = await startClickHouse();
        table = `clickhouse+${clickHouse.url}`;
        const statements = readFileSync(new URL('../../dist/clickhouse.sql', import.meta.url), 'utf8');
        for (const statement of statements.split(/;\n/).slice(0, -1)) await clickHouse.query(statement);
        const { stdout } = await runCli(['export', '--format', 'clickhouse', log]);
        // Twice, as after a lost answer.
        for (let time = 0; time < 2; time++)
          await clickHouse.query('INSERT INTO mcp_audit FORMAT JSONEachRow', stdout);
      });
      after(async () => {
        await clickHouse.stop();
        folder.remove();
      });

      const sorted = (text: string) => text.split('\n').sort();
      for (const filter of [
        [],
        ['--outcome', 'failure', '--since', '2026-01-05T07:00Z', '--until', '2026-01-05T08:00Z'],
        ['--actor', '*@example.com', '--resource', 'tools/*'],
        ['--server', 'billing', '--severity', 'warning'],
        ['--contains', "'; DROP"],
        ['--contains', "onmouseover='window"],
        ['--event', 'login'],
        ['--tool', 're?und'],
      ])
        it(`give the same records, byte for byte: query ${filter.join(' ')}`, async () => {
          const [ofTable, ofFile] = await Promise.all([
            runCli(['query', ...filter, table]),
            runCli(['query', ...filter, log]),
          ]);
          expect([ofTable.code, ofTable.stderr]).to.deep.equal([0, '']);
          expect(sorted(ofTable.stdout)).to.deep.equal(sorted(ofFile.stdout));
          expect(ofTable.stdout.length > 1).to.equal(!filter.includes("'; DROP") || ofFile.stdout.length > 1);
        });

      it('are missing the same records: query --gaps', async () => {
        const [ofTable, ofFile] = await Promise.all([
          runCli(['query', '--gaps', '--json', table]),
          runCli(['query', '--gaps', '--json', log]),
        ]);
        const holes = (text: string) =>
          text
            .split('\n')
            .filter((each) => each.includes('"finding"'))
            .map((each) => (JSON.parse(each) as { from: number; count: number }).count);
        expect(holes(ofTable.stderr)).to.deep.equal(holes(ofFile.stderr)).and.to.have.length.above(0);
        expect([ofTable.code, ofTable.stdout]).to.deep.equal([ofFile.code, ofFile.stdout]);
      });

      it('make the same report', async () => {
        const { code, stdout } = await runCli(['report', table, '--json', '-o', join(folder.path, 'a.html')]);
        const ofFile = await runCli(['report', log, '--json', '-o', join(folder.path, 'b.html')]);
        const totals = (text: string) => (JSON.parse(text) as { totals: object }).totals;
        expect(code).to.equal(0);
        expect(totals(stdout)).to.deep.equal(totals(ofFile.stdout));
      });
    },
  );
});
