import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../support/builtCli.js';
import { needDuckDB, type DuckDBProject } from '../support/duckdb.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { TestLog } from '../support/sealedLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** What stands for paths in the attempts: the log that is read, another file, a file that is not there. */
interface Places {
  readonly log: string;
  readonly other: string;
  readonly none: string;
}

/** Queries that try to do more than to read the table `records`, by what they try. */
const ATTEMPTS: Readonly<Record<string, (places: Places) => readonly string[]>> = {
  'write to the log or beside it': ({ log, other, none }) => [
    `COPY records TO '${log}'`,
    `COPY (SELECT 1) TO '${log}' (FORMAT csv)`,
    `COPY (SELECT 1) TO '${none}' (FORMAT parquet)`,
    `COPY records TO '${other}' (FORMAT json, OVERWRITE true)`,
    `copy/**/records/**/to '${log}'`,
    `-- SELECT 1\nCOPY records TO '${log}'`,
    `/* SELECT */ COPY records TO '${log}'`,
    `EXPORT DATABASE '${none}'`,
    `EXPLAIN ANALYZE COPY records TO '${none}'`,
    `WITH gone AS (COPY records TO '${log}') SELECT 1`,
    `FROM (COPY records TO '${log}')`,
    `FROM query('COPY records TO ''${log}''')`,
    `SELECT * FROM query('SELECT 1; COPY records TO ''${none}''')`,
  ],
  'write in a second statement': ({ log, none }) => [
    `SELECT 1; COPY records TO '${log}'`,
    `SELECT ';'; COPY records TO '${log}'; SELECT 1`,
    `SELECT 1 -- ;\n; COPY records TO '${none}'`,
    `SELECT 1 /* ; */ ; COPY records TO '${none}'`,
    `SELECT $$;$$; COPY records TO '${none}'`,
    `BEGIN; COPY records TO '${log}'; COMMIT`,
    'SELECT 1; DROP VIEW records',
  ],
  'make or change something': ({ none }) => [
    'CREATE TABLE t AS SELECT 1',
    'CREATE OR REPLACE VIEW records AS SELECT 1',
    'CREATE MACRO f(x) AS x',
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    'DROP VIEW records',
    'INSERT INTO records VALUES (1)',
    'WITH t AS (INSERT INTO records VALUES (1) RETURNING 1) FROM t',
    'UPDATE records SET seq = 1',
    'DELETE FROM records',
    'TRUNCATE records',
    'ALTER VIEW records RENAME TO r',
    `ATTACH '${none}' AS a`,
    `ATTACH ':memory:' AS a`,
    'DETACH memory',
    `IMPORT DATABASE '${none}'`,
    'VACUUM',
    'CHECKPOINT',
    "COMMENT ON VIEW records IS 'x'",
  ],
  'prepare what writes': ({ none }) => [
    `PREPARE p AS COPY records TO '${none}'`,
    `PREPARE p AS SELECT 1; EXECUTE p`,
    'EXECUTE p',
    'DEALLOCATE p',
    `CALL query('COPY records TO ''${none}''')`,
  ],
  'load code': ({ other }) => [
    'INSTALL httpfs',
    'LOAD httpfs',
    `LOAD '${other}'`,
    'INSTALL quack FROM community',
    "INSTALL httpfs FROM 'http://127.0.0.1:1'",
    'UPDATE EXTENSIONS',
  ],
  'change settings': ({ none, log }) => [
    'SET enable_external_access=true',
    'RESET enable_external_access',
    "SET allowed_paths=['/']",
    'SET lock_configuration=false',
    "PRAGMA enable_profiling='json'",
    `PRAGMA profiling_output='${none}'`,
    'PRAGMA database_list',
    `SET VARIABLE x = 1`,
    'USE memory',
    `FROM enable_logging(storage='file', storage_path='${none}')`,
    `FROM enable_logging(storage='file', storage_path='${log}')`,
    `WITH e AS MATERIALIZED (FROM enable_logging(level='trace', storage='stdout')) SELECT write_log('x', level := 'error') FROM records, (SELECT count(*) FROM e)`,
    `SELECT (FROM main."Enable_Logging"(storage='stdout'))`,
    `SELECT * FROM records, LATERAL (FROM enable_profiling(save_location='${none}.txt'))`,
    'FROM disable_logging()',
    'FROM checkpoint()',
    'CALL force_checkpoint()',
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM enable_logging()'))",
  ],
  'read what is no input': ({ other, log }) => [
    `SELECT * FROM read_csv('${other}')`,
    `FROM '${other}'`,
    `SELECT * FROM read_text('/etc/hostname')`,
    `SELECT * FROM read_blob('${log}.integrity/checkpoint')`,
    `SELECT * FROM read_json_auto('${other}')`,
    `SELECT * FROM read_parquet('${other}')`,
    `SELECT * FROM read_ndjson_objects(['${log}', '${other}'])`,
    `SELECT * FROM read_text('${log}/../other.csv')`,
    `SELECT * FROM sniff_csv('${other}')`,
    `SELECT * FROM parquet_metadata('${other}')`,
    `SELECT * FROM glob('/etc/*')`,
    `SELECT * FROM glob('${log}*')`,
    "SELECT getenv('HOME')",
    "FROM read_text('https://127.0.0.1:1/x')",
    "FROM read_csv('s3://bucket/x')",
    `FROM query('FROM read_text(''/etc/hostname'')')`,
    `FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/hostname'')'))`,
    `SELECT (SELECT content FROM read_text('/etc/hostname')) FROM records`,
    `SELECT * FROM duckdb_secrets()`,
    `SELECT * FROM read_duckdb('${other}')`,
  ],
  'be no query at all': () => ['', ' ', ';', '-- nothing', 'SELEKT 1', "SELECT '", 'SELECT $$', 'SELECT /*'],
};

/** Every file below a folder, with the hash of what it holds, when it was changed, and its number. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    files.map((name) => {
      const stats = statSync(join(folder, name));
      const bytes = stats.isFile() ? readFileSync(join(folder, name)) : '';
      return [name, `${stats.ino} ${stats.mtimeMs} ${createHash('sha256').update(bytes).digest('hex')}`];
    }),
  );
}

describe('query --sql only reads', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let project: DuckDBProject;
  let places: Places;

  before(async function () {
    project = await needDuckDB(this);
    folder = temporaryFolder();
    mkdirSync(join(folder.path, 'home'));
    mkdirSync(join(folder.path, 'work'));
    const sealed = await new TestLog(folder.path).open();
    sealed.write(...sampleLogText({ records: 20 }).trimEnd().split('\n'));
    await sealed.close();
    linkSync(sealed.path, join(folder.path, 'link.jsonl'));
    writeFileSync(join(folder.path, 'other.csv'), 'a\n1\n');
    places = {
      log: sealed.path,
      other: join(folder.path, 'other.csv'),
      none: join(folder.path, 'none'),
    };
  });
  after(() => folder?.remove());

  const run = (sql: string, ...more: readonly string[]) =>
    runCli(['query', `--sql=${sql}`, ...more, places.log], {
      binary: project.binary,
      cwd: join(folder.path, 'work'),
      env: { HOME: join(folder.path, 'home') },
    });

  for (const [what, attempts] of Object.entries(ATTEMPTS))
    it(`refuses to ${what}`, async () => {
      const before = contents(folder.path);
      const waiting = [...attempts(places)];
      const refuse = async () => {
        for (let sql = waiting.pop(); sql !== undefined; sql = waiting.pop()) {
          const { code, stdout, stderr } = await run(sql);
          expect([sql, code, stdout]).to.deep.equal([sql, 2, '']);
          expect(stderr, sql).to.match(/^otel-mcp-log query: SQL: [^\n]+\n(?:See [^\n]+\n)?$/);
          expect(stderr, sql).not.to.match(/native callback|unexpected fault|\n\s+at /);
        }
      };
      await Promise.all([refuse(), refuse(), refuse()]);
      expect(contents(folder.path)).to.deep.equal(before);
    });

  it('refuses the same where the result becomes a Parquet file, and leaves none', async () => {
    const before = contents(folder.path);
    for (const sql of [
      `COPY records TO '${places.log}'`,
      `SELECT 1) TO '${places.log}' (FORMAT csv); --`,
      `SELECT 1\n) TO '${places.none}'; COPY (SELECT 1`,
      `SELECT 1; COPY records TO '${places.none}'`,
      `FROM enable_logging(storage='stdout')`,
      `SELECT * FROM read_text('/etc/hostname')`,
    ]) {
      const { code, stdout } = await run(sql, '-f', 'parquet', '-o', join(folder.path, 'out.parquet'));
      expect([sql, code, stdout]).to.deep.equal([sql, 2, '']);
    }
    expect(contents(folder.path)).to.deep.equal(before);
  });

  it('answers what only reads, whatever form it has', async () => {
    const before = contents(folder.path);
    for (const sql of [
      '-- a comment first\nSELECT count(*) AS n FROM records;',
      "SELECT count(*) AS n FROM records WHERE message <> '; COPY records TO ''x'''",
      'FROM records SELECT count(*) AS n',
      'WITH r AS (FROM records) SELECT count(*) AS n FROM r, (VALUES (1))',
      'SELECT count(DISTINCT seq) AS n FROM records, range(3)',
    ]) {
      const { code, stdout } = await run(sql);
      expect([sql, code, stdout]).to.deep.equal([sql, 0, '{"n":20}\n']);
    }
    expect((await run('DESCRIBE records')).code).to.equal(0);
    expect((await run('SUMMARIZE records')).code).to.equal(0);
    expect(contents(folder.path)).to.deep.equal(before);
  });
});
