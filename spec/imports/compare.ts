import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Popular } from './packages.js';

/** What one process saw of the modules. */
export interface Seen {
  readonly code: number | null;
  readonly stderr: string;
  /** For each module its names and a digest of its values, or its error; undefined where the process printed nothing. */
  readonly modules?: readonly {
    readonly specifier: string;
    readonly names?: readonly string[];
    readonly error?: readonly string[];
  }[];
}

/** The same modules, loaded without this package and with it. */
export interface Comparison {
  readonly how: 'import' | 'require';
  readonly bare: Seen;
  readonly audited: Seen;
  /** CPU time of the whole process, the least of all runs, in milliseconds. */
  readonly cpuMs: { readonly bare: number; readonly audited: number };
}

/** Makes a project that has the packed package and these packages. */
export function installPackages(
  folder: string,
  { tarball, packages }: { tarball: string; packages: readonly Popular[] },
): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
  const wanted = new Set(packages.flatMap(({ install }) => install));
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--legacy-peer-deps', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, tarball, '@opentelemetry/api@1.9', ...wanted], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  cpSync(fileURLToPath(new URL('fixtures/probe.mjs', import.meta.url)), join(folder, 'probe.mjs'));
}

/** Loads modules of a package as ES module and with `require`, each in processes of its own. */
export async function compare(
  folder: string,
  { specifiers }: Popular,
  { runs = 1, node = process.execPath }: { runs?: number; node?: string } = {},
): Promise<readonly Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const how of ['import', 'require'] as const) {
    // What is not there has to be missing in the same words.
    const asked = [how, ...specifiers, `${specifiers.at(-1)}/not-there.js`];
    const preload = [`--${how}`, 'otel-mcp-log/register'];
    const bare: Run[] = [];
    const audited: Run[] = [];
    for (let run = 0; run < runs; run++) {
      bare.push(await probe(folder, node, ['probe.mjs', ...asked]));
      audited.push(await probe(folder, node, [...preload, 'probe.mjs', ...asked]));
    }
    const cpuMs = { bare: least(bare), audited: least(audited) };
    comparisons.push({ how, bare: bare[0]!.seen, audited: audited[0]!.seen, cpuMs });
  }
  return comparisons;
}

interface Run {
  readonly seen: Seen;
  readonly cpuMs: number;
}

function least(runs: readonly Run[]): number {
  return Math.min(...runs.map(({ cpuMs }) => cpuMs));
}

function probe(folder: string, node: string, args: readonly string[]): Promise<Run> {
  const env = {
    ...{ PATH: process.env['PATH'], HOME: process.env['HOME'] },
    ...{
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_QUIET: '1',
      OTEL_MCP_LOG_FILE: join(folder, 'audit-{pid}.jsonl'),
    },
  };
  return new Promise((resolve) => {
    execFile(node, [...args], { cwd: folder, env, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      const { cpuMs = NaN, ...seen } = (stdout === '' ? {} : JSON.parse(stdout)) as Partial<Seen> & {
        cpuMs?: number;
      };
      // Warnings of Node begin with its process id.
      resolve({ seen: { ...seen, code, stderr: stderr.replace(/\(node:\d+\)/g, '(node)') }, cpuMs });
    });
  });
}
