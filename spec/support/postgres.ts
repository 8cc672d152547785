import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './freePort.js';
import { temporaryFolder } from './temporaryFolder.js';

/** Where Debian's packages put the programs of the server. */
const VERSIONS = '/usr/lib/postgresql';

/** The folder of PostgreSQL's programs, where it is installed. */
export function postgresPrograms(): string | undefined {
  try {
    const newest = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))[0];
    return newest && join(VERSIONS, newest, 'bin');
  } catch {
    return undefined;
  }
}

/** A PostgreSQL server on loopback, with its data in a folder that goes away with it. */
export interface PostgresServer {
  /** The address of its database for a user. */
  url(user?: string): string;
  /** Runs a statement, or several, as the superuser. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Ends the process as a crash would. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill}. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server of its own. PostgreSQL refuses to run as root, so that it then runs as the user of the package. */
export async function startPostgres(programs: string): Promise<PostgresServer> {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  const port = await freePort();
  const asUser = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];
  if (asUser.length > 0) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, 'postgres']).stdout.toString()),
    );
    chownSync(folder.path, uid ?? 0, gid ?? 0);
  }
  const run = (program: string, ...args: string[]) => {
    const [command = '', ...rest] = [...asUser, join(programs, program), ...args];
    return { command, rest };
  };
  const init = run('initdb', '-D', data, '-A', 'trust', '-U', 'admin', '--no-sync');
  const made = spawnSync(init.command, init.rest, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const url = (user = 'admin') => `postgres://${user}@127.0.0.1:${port}/postgres`;
  const query = async (sql: string) => {
    const client = new pg.Client({ connectionString: url() });
    await client.connect();
    try {
      const { rows } = await client.query(sql);
      return (rows ?? []) as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  let server: ReturnType<typeof spawn> | undefined;
  const start = async () => {
    const program = run('postgres', '-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', data, '-F');
    server = spawn(program.command, program.rest, { stdio: 'ignore' });
    while (!(await query('SELECT 1').then(Boolean, () => false))) {
      if (server.exitCode !== null) throw new Error(`postgres ended with ${server.exitCode}`);
      await sleep(50);
    }
  };
  const signal = async (name: 'IMMEDIATE' | 'FAST') => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    const stop = run('pg_ctl', '-D', data, '-m', name.toLowerCase(), 'stop', '--no-wait');
    spawnSync(stop.command, stop.rest);
    await ended;
  };
  await start();
  return {
    url,
    query,
    start,
    kill: () => signal('IMMEDIATE'),
    stop: async () => {
      await signal('FAST');
      folder.remove();
    },
  };
}
