import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputFailure } from '../shared/failure.js';
import type { Change } from './diff.js';
import type { Project } from './project.js';

/** The changes to write, and the steps that are left to people. */
export interface Plan {
  readonly changes: readonly Change[];
  /** How to start the application where no script does, or where a script runs an unknown program. */
  readonly steps: readonly string[];
}

const NAMES = { module: 'audit-log.mjs', commonjs: 'audit-log.cjs' } as const;
const FLAGS = { module: '--import', commonjs: '--require' } as const;
const LOG = 'audit.jsonl';

/** Whether this command writes a file of that name. */
export function isPreload(name: string): boolean {
  return Object.values(NAMES).some((each) => each === name);
}

/**
 * The text of the file to preload. It runs before the application, sets the variables that the environment leaves unset, and then
 * starts the auditing. An existing file that does so stays as it is.
 *
 * @throws CliFailure if the file exists and does something else.
 */
function preloadText(system: Project['system'], before: string | undefined): string {
  const name = NAMES[system];
  if (before?.includes('otel-mcp-log/register') === true) return before;
  if (before !== undefined)
    throw inputFailure(`${name}: is there already and does not load otel-mcp-log/register; rename it`);
  const load =
    system === 'module' ? "await import('otel-mcp-log/register');" : "require('otel-mcp-log/register');";
  return `// Audits every MCP client of this application: node ${FLAGS[system]} ./${name} app.js
// These are defaults, the environment's own variables win. Every variable: docs/register.md of otel-mcp-log.
process.env.OTEL_MCP_LOG_ENVIRONMENT ||= process.env.NODE_ENV || 'development';
process.env.OTEL_MCP_LOG_FILE ||= '${LOG}';

${load}
`;
}

/** Plans what makes a project's clients audited: a file to preload, start scripts that preload it, and a log that git ignores. */
export function planFor(project: Project): Plan {
  const { folder, manifest, scripts, system } = project;
  const flag = FLAGS[system];
  const preload = `./${NAMES[system]}`;
  const starts = startScripts(scripts, flag, preload);
  const edited = withScripts(manifest, starts);
  const known = edited === undefined ? [] : starts.filter(({ after }) => after !== undefined);
  const steps = starts
    .filter((start) => !known.includes(start))
    .map(({ name, before }) => `start '${before}' (${name}) with NODE_OPTIONS='${flag} ${preload}'`);
  if (starts.length === 0) steps.push(`start the application with: node ${flag} ${preload} YOUR_APP.js`);
  const changes = [
    change(folder, NAMES[system], (before) => preloadText(system, before)),
    ...(edited === undefined ? [] : [{ path: 'package.json', before: manifest, after: edited }]),
    ...(existsSync(join(folder, '.git')) ? [change(folder, '.gitignore', withIgnored)] : []),
  ];
  return { changes: changes.filter(({ before, after }) => before !== after), steps };
}

function withIgnored(before: string | undefined): string {
  if (before?.includes(LOG) === true) return before;
  const start =
    before === undefined || before === '' || before.endsWith('\n') ? (before ?? '') : `${before}\n`;
  return `${start}${LOG}*\n`;
}

function change(folder: string, path: string, make: (before: string | undefined) => string): Change {
  const full = join(folder, path);
  const before = existsSync(full) ? readFileSync(full, 'utf8') : undefined;
  return { path, before, after: make(before) };
}

/** The usual names of scripts in package.json that start an application. Others (tests, builds) stay as they are. */
const STARTS = /^(?:start|dev|serve)(?:[:-].*)?$/;

/** Node or tsx as the command of a script, or of a part of it, after the variables that are set for it. */
const RUNS = /(^|&&|;|\|\|)(\s*(?:cross-env\s+)?(?:[A-Za-z_]\w*=\S*\s+)*(?:node|tsx(?:\s+watch)?))(?=\s)/g;

/** A start script before and after the change. `after` equals `before` where the file is preloaded already, and is undefined where the script runs an unknown program. */
interface StartScript {
  readonly name: string;
  readonly before: string;
  readonly after: string | undefined;
}

/**
 * The start scripts of a project with a file preloaded, before everything else that they preload.
 *
 * @param flag - `--import` or `--require`.
 */
function startScripts(
  scripts: Readonly<Record<string, string>>,
  flag: string,
  preload: string,
): StartScript[] {
  return Object.entries(scripts)
    .filter(([name]) => STARTS.test(name))
    .map(([name, before]) => {
      if (before.includes(` ${preload} `)) return { name, before, after: before };
      const after = before.replace(
        RUNS,
        (_, separator: string, command: string) => `${separator}${command} ${flag} ${preload}`,
      );
      return { name, before, after: after === before ? undefined : after };
    });
}

/**
 * Replaces scripts in the text of a package.json, and leaves the rest of the text as it is.
 *
 * @returns Undefined if the text of a script is not found exactly once, for example because it is written with escapes.
 */
function withScripts(manifest: string, scripts: readonly StartScript[]): string | undefined {
  let text = manifest;
  for (const { name, before, after } of scripts) {
    if (after === undefined) continue;
    const [key, old] = [JSON.stringify(name), JSON.stringify(before)];
    const found = [...text.matchAll(new RegExp(`${escaped(key)}(\\s*:\\s*)${escaped(old)}`, 'g'))];
    const [match] = found;
    if (match === undefined || found.length > 1) return undefined;
    const end = match.index + match[0].length;
    text = `${text.slice(0, match.index)}${key}${match[1]}${JSON.stringify(after)}${text.slice(end)}`;
  }
  return text;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
