import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DuckDB } from '../../lib/cli/query/duckdb.js';
import { builtBinary } from './builtCli.js';
import { temporaryFolder } from './temporaryFolder.js';

/** A project of a user who has DuckDB installed beside the package. */
export interface DuckDBProject {
  /** The built command line, as it lies in that project's `node_modules`. */
  readonly binary: string;
  /** DuckDB itself, to check by. */
  readonly duckdb: DuckDB;
}

/** Its releases have names that npm takes for pre-releases, so that no range finds them. */
const PACKAGE = '@duckdb/node-api@1.5.6-r.1';
const root = fileURLToPath(new URL('../..', import.meta.url));
let project: Promise<DuckDBProject> | undefined;

/** Installs it, once a process. It is no dependency of this package, in no form: whoever wants it installs it. */
export function installDuckDB(): Promise<DuckDBProject> {
  return (project ??= (async () => {
    const folder = temporaryFolder();
    process.once('exit', function removeDuckDb() {
      folder.remove();
    });
    writeFileSync(join(folder.path, 'package.json'), '{"private":true}');
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', PACKAGE], {
      cwd: folder.path,
      timeout: 150_000,
    });
    const home = join(folder.path, 'node_modules', 'otel-mcp-log');
    mkdirSync(home);
    cpSync(join(root, 'package.json'), join(home, 'package.json'));
    cpSync(dirname(dirname(dirname(builtBinary()))), join(home, 'dist'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
    const load = createRequire(join(folder.path, 'package.json'));
    return {
      binary: join(home, 'dist', 'esm', 'cli', 'main.js'),
      duckdb: load('@duckdb/node-api') as DuckDB,
    };
  })());
}

/** For a `before` hook: the project, or all tests of the suite are skipped, with the reason in their titles. */
export async function needDuckDB(context: Mocha.Context): Promise<DuckDBProject> {
  context.timeout(180_000);
  try {
    return await installDuckDB();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const reason = /^npm error (.*)$/m.exec(said)?.[1] ?? said.split('\n')[0] ?? '';
    for (const test of context.test?.parent?.tests ?? [])
      test.title += ` [skipped: DuckDB cannot be installed: ${reason}]`;
    return context.skip();
  }
}
