import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { Diagnosis, Output } from './check.js';
import type { Framework } from './frameworks.js';

const programs = fileURLToPath(new URL('programs', import.meta.url));

/** Longer than the slowest of them takes to load on a machine that does other things as well. */
const TIMEOUT_MS = 120_000;

/** A folder in which one framework is installed, as its users would have it. */
export class Project {
  readonly #log: string;

  constructor(
    readonly folder: string,
    private readonly node: string,
    private readonly framework?: Framework,
  ) {
    this.#log = join(folder, 'audit.jsonl');
  }

  /** Installs packages without their scripts: none of these needs what they build. */
  install(...packages: readonly string[]): void {
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    cpSync(programs, this.folder, { recursive: true });
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error'];
    execFileSync('npm', ['install', ...quiet, ...packages], {
      cwd: this.folder,
      env: { ...process.env, PATH: this.#path },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** The version of an installed package; its name may have a range behind it. */
  version(name: string): string {
    const manifest = join(this.folder, 'node_modules', name.replace(/(?<=.)@.*/, ''), 'package.json');
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
  }

  /** Runs a program without this package, or with it. */
  async run(args: readonly string[], audited: boolean): Promise<Output> {
    rmSync(this.#log, { force: true });
    const preload = audited ? ['--import', 'otel-mcp-log/register'] : [];
    const ended = await this.#start(this.node, [...preload, ...args]);
    return { ...ended, records: audited ? this.#records() : [] };
  }

  /** Asks the doctor, as its user would. */
  async diagnose(): Promise<Diagnosis> {
    rmSync(this.#log, { force: true });
    const { code, stdout, stderr } = await this.#start('npx', ['otel-mcp-log', 'doctor']);
    return { code, text: `${stdout}${stderr}` };
  }

  get #path(): string {
    return [dirname(this.node), process.env['PATH']].join(delimiter);
  }

  #start(command: string, args: readonly string[]) {
    const env = {
      ...{ PATH: this.#path, HOME: this.folder, NO_COLOR: '1', DO_NOT_TRACK: '1' },
      MCP_USE_ANONYMIZED_TELEMETRY: 'false',
      ...this.framework?.env,
      ...{ OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_FILE: this.#log, OTEL_MCP_LOG_QUIET: '1' },
    };
    return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
      const options = { cwd: this.folder, env, timeout: TIMEOUT_MS };
      execFile(command, [...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ code, stdout, stderr });
      }).stdin?.end();
    });
  }

  #records(): AuditRecord[] {
    try {
      const lines = readFileSync(this.#log, 'utf8').trim().split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditRecord);
    } catch {
      return [];
    }
  }
}
