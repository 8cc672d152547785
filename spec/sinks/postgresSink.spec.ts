import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import pg from 'pg';
import { decodeLine, encodeLine } from '../../lib/codecs/json.js';
import { PostgresSink, type PostgresSinkOptions } from '../../lib/sinks/postgresSink.js';
import { expectFailure, sinkContract } from '../contract/sinkContract.js';
import { postgresPrograms, startPostgres, type PostgresServer } from '../support/postgres.js';
import { sampleRecord, sampleRecords } from '../support/sampleRecords.js';

const programs = postgresPrograms();
const because =
  programs === undefined ? ' (skipped: PostgreSQL is not installed: apt-get install postgresql)' : '';
const SCHEMA = readFileSync(new URL('../../lib/sinks/postgres.sql', import.meta.url), 'utf8');
const QUICK = { retry: { maxAttempts: 3, initialDelayMs: 10, maxDelayMs: 50 }, timeoutMs: 10_000 };

describe(`PostgresSink with a PostgreSQL server${because}`, function () {
  let server: PostgresServer;
  before(async function () {
    if (programs === undefined) return this.skip();
    this.timeout(60_000);
    server = await startPostgres(programs);
    await server.query(SCHEMA);
    await server.query(
      'CREATE USER agent; GRANT mcp_audit_writer TO agent; CREATE USER auditor; GRANT mcp_audit_reader TO auditor',
    );
  });
  after(() => server?.stop());
  beforeEach(() => server.query('TRUNCATE mcp_audit'));

  const make = (options: Partial<PostgresSinkOptions> = {}) =>
    new PostgresSink({ connectionString: server.url('agent'), ...QUICK, ...options });
  const lines = async () => {
    const rows = await server.query('SELECT record::text AS line FROM mcp_audit ORDER BY seq');
    return rows.map(({ line }) => line as string);
  };

  if (programs !== undefined)
    sinkContract(
      'PostgresSink',
      () => {
        let broken = false;
        const pool = new pg.Pool({ connectionString: server.url('agent') });
        pool.on('connect', (client) => void client.on('error', () => undefined));
        return {
          sink: new PostgresSink({
            ...QUICK,
            pool: {
              query: (text, values) =>
                broken ? Promise.reject(new Error('broken')) : pool.query(text, values),
            },
          }),
          received: async () => (await lines()).map((line) => decodeLine(line)),
          lines,
          breakReceiver: () => void (broken = true),
          dispose: () => pool.end(),
        };
      },
      { writesLines: true },
    );

  it('keeps the line of a file byte for byte, and columns to ask by', async () => {
    const records = sampleRecords();
    const sink = make();
    expect(await sink.emit(records)).to.deep.equal({ status: 'delivered', ack: 'delivered' });
    await sink.close();
    expect(await lines()).to.deep.equal(records.map((record) => encodeLine(record)));
    const [row] = await server.query(
      "SELECT count(*)::int AS n FROM mcp_audit WHERE actor_id = 'agent-7' AND time < now()",
    );
    expect(row?.['n']).to.be.greaterThan(1);
  });

  it('leaves a record that is there as it is', async () => {
    const sink = make();
    await sink.emit([sampleRecord(1)]);
    expect(await sink.emit([sampleRecord(1, { message: 'another' }), sampleRecord(2)])).to.have.property(
      'status',
      'delivered',
    );
    await sink.close();
    expect(await lines()).to.deep.equal([1, 2].map((seq) => encodeLine(sampleRecord(seq))));
  });

  it('refuses the record at fault alone', async () => {
    const sink = make();
    const bad = sampleRecord(1, { time: 'yesterday, somewhen' });
    const result = await sink.emit([sampleRecord(0), bad, sampleRecord(2), sampleRecord(3)]);
    await sink.close();
    if (!('rejected' in result)) return expect.fail('nothing was rejected');
    expect(result.rejected?.map(({ index, error }) => [index, error.message])).to.deep.equal([
      [1, 'the insert failed: 22007'],
    ]);
    expect(await lines()).to.have.length(3);
  });

  it('may insert, and neither read, change nor delete; readers may read', async () => {
    const as = async (user: string, sql: string) => {
      const client = new pg.Client({ connectionString: server.url(user) });
      await client.connect();
      return client
        .query(sql)
        .then(
          () => 'done',
          ({ code }: { code: string }) => code,
        )
        .finally(() => client.end());
    };
    const INSUFFICIENT_PRIVILEGE = '42501';
    for (const sql of [
      'SELECT 1 FROM mcp_audit',
      "UPDATE mcp_audit SET outcome = ''",
      'DELETE FROM mcp_audit',
      'TRUNCATE mcp_audit',
      'DROP TABLE mcp_audit',
    ])
      expect([sql, await as('agent', sql)]).to.deep.equal([sql, INSUFFICIENT_PRIVILEGE]);
    expect(await as('auditor', 'SELECT 1 FROM mcp_audit')).to.equal('done');
    expect(await as('auditor', 'DELETE FROM mcp_audit')).to.equal(INSUFFICIENT_PRIVILEGE);
  });

  it('waits for a server that was killed, and loses nothing', async function () {
    this.timeout(60_000);
    const sink = make({
      retry: { maxAttempts: 100, initialDelayMs: 50, maxDelayMs: 200 },
      timeoutMs: 30_000,
    });
    await sink.emit([sampleRecord(0)]);
    await server.kill();
    const waiting = sink.emit([sampleRecord(1)]);
    await server.start();
    expect(await waiting).to.have.property('status', 'delivered');
    await sink.close();
    expect(await lines()).to.deep.equal([0, 1].map((seq) => encodeLine(sampleRecord(seq))));
  });

  it('survives a server that ends connections which are idle or being closed', async function () {
    this.timeout(60_000);
    const sinks = await Promise.all(
      Array.from({ length: 5 }, async (_, seq) => {
        const sink = make();
        await sink.emit([sampleRecord(seq)]);
        return sink;
      }),
    );
    const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'agent'";
    const ended = server.query(end);
    await Promise.all(sinks.slice(1).map((sink) => sink.close()));
    await ended;
    expect(await sinks[0]?.emit([sampleRecord(9)])).to.have.property('status', 'delivered');
    await sinks[0]?.close();
    expect(await lines()).to.have.length(6);
  });

  it('keeps records where somebody has to mend the database: no table, no right', async () => {
    const missing = make({ table: 'elsewhere' });
    expect(expectFailure(await missing.emit([sampleRecord()]), 'retryable').message).to.equal(
      'the insert failed: 42P01',
    );
    await missing.close();
    const reader = make({ connectionString: server.url('auditor') });
    expect(expectFailure(await reader.emit([sampleRecord()]), 'retryable').message).to.equal(
      'the insert failed: 42501',
    );
    await reader.close();
  });
});

describe('PostgresSink', () => {
  const refused = (options: object, text: string) =>
    expect(() => new PostgresSink(options as PostgresSinkOptions)).to.throw(text);

  it('refuses an address that records would go to in the clear, and does not quote it', () => {
    for (const url of [
      'postgres://u:secret@db.example.com/audit',
      'postgres://u:secret@db.example.com/audit?sslmode=disable',
      'postgres://u:secret@db.example.com/audit?sslmode=prefer',
      'postgres://u:secret@db.example.com/audit?sslmode=no-verify',
      'postgres://u:secret@localhost/audit?host=db.example.com',
    ])
      try {
        new PostgresSink({ connectionString: url });
        expect.fail(`took ${url}`);
      } catch (error) {
        expect((error as Error).message)
          .to.include('sslmode=verify-full')
          .and.not.include('secret');
      }
  });

  it('tells where records go, without the password', () => {
    const sink = new PostgresSink({
      connectionString: 'postgres://u:secret@db.example.com:5433/audit?sslmode=verify-full',
    });
    expect(sink.destination).to.equal('postgres://db.example.com:5433/audit');
  });

  it('refuses what cannot work', () => {
    const pool = { query: async () => undefined };
    refused({}, 'exactly one of connectionString and pool');
    refused({ pool, connectionString: 'postgres:///audit' }, 'exactly one of connectionString and pool');
    refused({ pool: {} }, 'PostgresSink.pool');
    refused({ connectionString: 'mysql://localhost/audit' }, 'begins with postgres://');
    for (const table of ['audit; DROP TABLE x', 'Audit', 'a.b.c', '"audit"', ''])
      refused({ pool, table }, 'PostgresSink.table');
  });

  it('gives up a statement at the deadline; whether it was done is not known', async () => {
    const sink = new PostgresSink({
      pool: { query: () => new Promise(() => undefined) },
      timeoutMs: 20,
      retry: { maxAttempts: 1 },
    });
    expect(expectFailure(await sink.emit([sampleRecord()]), 'retryable').message).to.equal(
      'the insert failed: ETIMEDOUT',
    );
  });
});
