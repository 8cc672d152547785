// A ClickHouse server on loopback, with its data in a folder that goes away with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 60_000;

/** Starts `clickhouse-server`, and resolves when it answers. */
export async function startClickHouse() {
  const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-clickhouse-'));
  const [http, tcp] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'users.xml'), USERS);
  writeFileSync(join(folder, 'config.xml'), config(folder, http, tcp));
  const server = spawn('clickhouse-server', [`--config-file=${join(folder, 'config.xml')}`], {
    cwd: folder,
    stdio: 'ignore',
  });
  const ended = Promise.race([once(server, 'exit'), once(server, 'error')]);
  const url = `http://127.0.0.1:${http}/`;
  const stop = async () => {
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilItAnswers(url, ended, folder);
  } catch (error) {
    await stop();
    throw error;
  }
  /** Statements one after the other, since the HTTP interface takes one at a time. */
  const run = async (script) => {
    for (const statement of script.split(/;\n/).slice(0, -1)) await query(url, statement);
  };
  return { url, query: (sql, body) => query(url, sql, body), run, stop };
}

/** Runs a statement; `body` is what an INSERT inserts. */
async function query(url, sql, body) {
  const at = body === undefined ? url : `${url}?${new URLSearchParams({ query: sql, ...SKIP_UNKNOWN })}`;
  const response = await fetch(at, { method: 'POST', body: body ?? sql });
  const text = await response.text();
  if (!response.ok) throw new Error(`ClickHouse answered ${response.status}: ${text}`);
  return text;
}

/** Fields without a column of their own are left out. */
const SKIP_UNKNOWN = { input_format_skip_unknown_fields: '1' };

async function untilItAnswers(url, ended, folder) {
  const deadline = Date.now() + START_MS;
  let over = false;
  void ended.then(() => (over = true));
  while (Date.now() < deadline && !over) {
    if (
      await fetch(`${url}ping`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error(
    `clickhouse-server did not start: ${readFileSync(join(folder, 'errors.log'), 'utf8').slice(-2_000)}`,
  );
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

// `yandex` is what Debian's version calls the root; today's versions take it still.
const config = (folder, http, tcp) => `<yandex>
  <logger>
    <level>warning</level>
    <log>${folder}/server.log</log>
    <errorlog>${folder}/errors.log</errorlog>
  </logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${http}</http_port>
  <tcp_port>${tcp}</tcp_port>
  <path>${folder}/data/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
</yandex>
`;

const USERS = `<yandex>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
</yandex>
`;
