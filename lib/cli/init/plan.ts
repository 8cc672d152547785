import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputFailure } from '../shared/failure.js';
import type { Change } from './diff.js';
import type { Project } from './project.js';

/** What would be written, and what is left to people. */
export interface Plan {
  readonly changes: readonly Change[];
  /** How to start what no script starts, or what a script starts that we do not know. */
  readonly steps: readonly string[];
}

const NAMES = { module: 'audit-log.mjs', commonjs: 'audit-log.cjs' } as const;
const FLAGS = { module: '--import', commonjs: '--require' } as const;
const LOG = 'audit.jsonl';

/** Whether a file is one that this command writes. */
export function isPreload(name: string): boolean {
  return Object.values(NAMES).some((each) => each === name);
}

/**
 * The file that is preloaded. It goes first, so it sets what the environment left unset and then starts the auditing. One that
 * is there and does so stays as it is.
 *
 * @throws CliFailure where it is there and does something else.
 */
function preloadText(system: Project['system'], before: string | undefined): string {
  const name = NAMES[system];
  if (before?.includes('otel-mcp-log/register') === true) return before;
  if (before !== undefined) throw inputFailure(`${name}: is there already, and is not ours; rename it`);
  const load =
    system === 'module' ? "await import('otel-mcp-log/register');" : "require('otel-mcp-log/register');";
  return `// Audits every MCP client of this application: node ${FLAGS[system]} ./${name} app.js
// These are defaults, the environment's own variables win. Every variable: docs/register.md of otel-mcp-log.
process.env.OTEL_MCP_LOG_ENVIRONMENT ||= process.env.NODE_ENV || 'development';
process.env.OTEL_MCP_LOG_FILE ||= '${LOG}';

${load}
`;
}

/** What makes a project's clients audited: a file to preload, in its start scripts, and a log that git does not take. */
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

/** Scripts of package.json that start an application, by custom; others (tests, builds) are left alone. */
const STARTS = /^(?:start|dev|serve)(?:[:-].*)?$/;

/** Node or tsx as the command of a script or of a part of it, after variables that are set for it. */
const RUNS = /(^|&&|;|\|\|)(\s*(?:cross-env\s+)?(?:[A-Za-z_]\w*=\S*\s+)*(?:node|tsx(?:\s+watch)?))(?=\s)/g;

/** A start script: as it would be (as it is, where it preloads the file already), or undefined where it runs something that we do not know. */
interface StartScript {
  readonly name: string;
  readonly before: string;
  readonly after: string | undefined;
}

/**
 * The start scripts of a project with a file preloaded, first of all that they preload.
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
 * Puts scripts into the text of a package.json and leaves everything else in it as it is.
 *
 * @returns undefined where a script's text is not found just once, as in a file with escapes that nobody writes by hand.
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
