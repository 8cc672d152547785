import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { installNodes } from '../matrix/projects.js';

const register = new URL('../../dist/esm/register.mjs', import.meta.url).href;

/** What `@modelcontextprotocol/conformance` asks for. */
const NODE = '24';
/** It runs all scenarios at once, each with a client of its own. */
const TIMEOUT_MS = 120_000;

/** How each scenario ended, in the words of the suite: `7 passed, 0 failed`. */
export type Scenarios = ReadonlyMap<string, string>;

/** The scenarios in what the suite prints at its end, or for one of them alone. */
export function scenariosIn(output: string): Scenarios {
  const found = output.matchAll(/^[✓✗] (\S+): (\d+ passed, \d+ failed)/gm);
  return new Map([...found].map(([, name = '', result = '']) => [name, result]));
}

/** How the conformance suite judges the SDK's own test client, with this package or without. */
export class Conformance {
  readonly #folder: string;
  readonly #node: string;

  /**
   * Installs the suite and the SDK from npm, and the test client of a checkout of SDK v1.
   *
   * @param folder to install into.
   */
  constructor(folder: string, checkout: string) {
    this.#folder = folder;
    this.#node = installNodes(join(folder, 'nodes'), [NODE]).get(NODE)!;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const { version } = manifestOf(checkout);
    const wanted = [`@modelcontextprotocol/sdk@${version}`, '@modelcontextprotocol/conformance', 'zod@4'];
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error'];
    execFileSync('npm', ['install', ...quiet, ...wanted], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const sources = join(checkout, 'test/conformance/src');
    for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts') && !file.includes('Server')) this.#compile(join(sources, file), file);
  }

  /** The suite's own version. */
  get version(): string {
    return manifestOf(join(this.#folder, 'node_modules/@modelcontextprotocol/conformance')).version;
  }

  /** Runs all scenarios, or one. */
  run(audited: boolean, scenario?: string): Scenarios {
    const preload = audited ? `--import ${register} ` : '';
    const which = scenario === undefined ? ['--suite', 'all'] : ['--scenario', scenario];
    const main = 'node_modules/@modelcontextprotocol/conformance/dist/index.js';
    const command = `${this.#node} ${preload}client/everythingClient.js`;
    const { stdout, stderr } = spawnSync(
      this.#node,
      [main, 'client', '--command', command, '--timeout', String(TIMEOUT_MS), ...which],
      { cwd: this.#folder, env: { ...process.env, ...this.#variables }, encoding: 'utf8' },
    );
    const scenarios = scenariosIn(stdout + stderr);
    if (scenarios.size > 0 || scenario === undefined) return scenarios;
    const [, passed = '0', total = '0'] = /Passed: (\d+)\/(\d+)/.exec(stdout + stderr) ?? [];
    return new Map([[scenario, `${passed} passed, ${Number(total) - Number(passed)} failed`]]);
  }

  /** How many records were written. */
  records(): number {
    const logs = readdirSync(this.#folder).filter((file) => file.endsWith('.jsonl'));
    return logs.reduce(
      (sum, log) => sum + readFileSync(join(this.#folder, log), 'utf8').split('\n').length - 1,
      0,
    );
  }

  get #variables(): Record<string, string> {
    return {
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_QUIET: '1',
      OTEL_MCP_LOG_FILE: join(this.#folder, 'audit-{pid}.jsonl'),
    };
  }

  /** Its sources import those of the SDK beside them; here they import the package. */
  #compile(source: string, file: string): void {
    const text = readFileSync(source, 'utf8').replaceAll(/'(?:\.\.\/)+src\//g, "'@modelcontextprotocol/sdk/");
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const target = join(this.#folder, 'client', file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(text, { compilerOptions: options }).outputText);
  }
}

/** The scenarios that ended in one run otherwise than in the other. */
export function differingScenarios(bare: Scenarios, audited: Scenarios): string[] {
  return [...new Set([...bare.keys(), ...audited.keys()])].filter(
    (name) => bare.get(name) !== audited.get(name),
  );
}

function manifestOf(folder: string): { readonly version: string } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
}

/** Whether the package is built, which a run of it needs. */
export function isBuilt(): boolean {
  try {
    readFileSync(fileURLToPath(register));
    return true;
  } catch {
    return false;
  }
}
