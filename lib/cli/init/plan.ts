import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRELOADED, type Project, type Start } from '../../doctor/project.js';
import { inputFailure } from '../shared/command.js';

/** A file before and after the change; `before` is undefined where the file does not exist yet. */
export interface Change {
  /** The path relative to the project, with forward slashes, or an absolute one. */
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** How many unchanged lines are shown around a change: as many as `diff -u` shows. */
const CONTEXT = 3;

/** One change as a unified diff that `patch` can apply: one hunk from the first line that differs to the last. */
export function unifiedDiff({ path, before, after }: Change): string {
  const name = path.replace(/^\//, '');
  const [old, now] = [linesOf(before ?? ''), linesOf(after)];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  const room = Math.min(old.length, now.length) - head;
  while (tail < room && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  const from = Math.max(0, head - CONTEXT);
  const until = old.length - Math.max(0, tail - CONTEXT);
  const shown = [
    ...old.slice(from, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
    ...old.slice(old.length - tail, until).map((line) => ` ${line}`),
  ];
  const range = (length: number) => `${length === 0 ? 0 : from + 1},${length}`;
  const oldLength = until - from;
  const newLength = oldLength - old.length + now.length;
  return [
    `--- ${before === undefined ? '/dev/null' : `a/${name}`}`,
    `+++ b/${name}`,
    `@@ -${range(oldLength)} +${range(newLength)} @@`,
    ...shown,
    '',
  ].join('\n');
}

/** The lines of a text. As in `diff`, a last line without a line end differs from the same line with one. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  const last = lines.pop();
  return last === '' || last === undefined ? lines : [...lines, `${last}\n\\ No newline at end of file`];
}

/** The changes to write, and the steps that are left to people. */
interface Plan {
  readonly changes: readonly Change[];
  /** How to start the application where no script does, or where a script runs an unknown program. */
  readonly steps: readonly string[];
}

const FLAGS = { module: '--import', commonjs: '--require' } as const;
const LOG = 'audit.jsonl';

/**
 * The text of the file to preload. It runs before the application, sets the variables that the environment leaves unset, and then
 * starts the auditing. An existing file that does so stays as it is.
 *
 * @throws CliFailure if the file exists and does something else.
 */
function preloadText(system: Project['system'], before: string | undefined): string {
  const name = PRELOADED[system];
  if (before?.includes('otel-mcp-log/register') === true) return before;
  if (before !== undefined)
    throw inputFailure(`${name}: is there already and does not load otel-mcp-log/register; rename it`);
  const load =
    system === 'module' ? "await import('otel-mcp-log/register');" : "require('otel-mcp-log/register');";
  return `// Audits every MCP client and server of this application: node ${FLAGS[system]} ./${name} app.js
// These are defaults, the environment's own variables win. Every variable: docs/register.md of otel-mcp-log.
process.env.OTEL_MCP_LOG_ENVIRONMENT ||= process.env.NODE_ENV || 'development';
process.env.OTEL_MCP_LOG_FILE ||= '${LOG}';

${load}
`;
}

/**
 * Plans what makes a project's clients audited: a file to preload, start scripts that preload it, and a log that git ignores.
 *
 * @param manifest The text of package.json. Its layout is kept.
 * @throws CliFailure if a file of the project has the name of the file to preload.
 */
export function planFor(project: Project, manifest: string): Plan {
  const { folder, starts, system } = project;
  const flag = FLAGS[system];
  const preload = `./${PRELOADED[system]}`;
  const scripts = startScripts(starts, flag, preload);
  const edited = withScripts(manifest, scripts);
  const changes = [
    change(folder, PRELOADED[system], (before) => preloadText(system, before)),
    ...(edited === undefined ? [] : [{ path: 'package.json', before: manifest, after: edited }]),
    ...(existsSync(join(folder, '.git')) ? [change(folder, '.gitignore', withIgnored)] : []),
  ];
  const unknown = edited === undefined ? scripts : scripts.filter(({ after }) => after === undefined);
  return {
    changes: changes.filter(({ before, after }) => before !== after),
    steps: stepsFor(project, unknown, `${flag} ${preload}`),
  };
}

/** What people do: for scripts of launchers, for the files of other tools, and where nothing says how the application starts. */
function stepsFor(project: Project, unknown: readonly StartScript[], preload: string): string[] {
  const { starts, isBundledByNext } = project;
  const commands = unknown.map(({ name, before }) => `npm run ${name} (${before})`);
  const steps = starts.flatMap((start) => stepFor(start, preload));
  if (commands.length > 0)
    steps.unshift(
      `set NODE_OPTIONS='${preload}', which reaches what a launcher starts, before: ${commands.join(', ')}`,
    );
  if (isBundledByNext)
    steps.push(
      "have Next.js leave the SDK out of its bundles, where no hook sees it: serverExternalPackages: ['@modelcontextprotocol/sdk'] in next.config (docs/deployment.md)",
    );
  return starts.length > 0 ? steps : [...steps, `start the application with: node ${preload} YOUR_APP.js`];
}

function stepFor({ where, kind, isPreloaded }: Start, preload: string): string[] {
  if (isPreloaded) return [];
  switch (kind) {
    case 'script':
      return [];
    case 'container':
      return [`put before CMD in ${where}: ENV NODE_OPTIONS="${preload}", and copy that file into the image`];
    case 'processes':
      return [`start the application of ${where} with NODE_OPTIONS='${preload}' in its environment`];
    case 'functions':
      return [
        `set NODE_OPTIONS="${preload}" for the functions of ${where}, and a sink that needs no file (docs/deployment.md)`,
      ];
  }
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

/** Node or tsx as the command of a script, or of a part of it, after the variables that are set for it. */
const RUNS =
  /(^|&&|;|\|\|)(\s*(?:cross-env\s+)?(?:[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|\S)*\s+)*(?:node|tsx(?:\s+watch)?))(?=\s)/g;

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
function startScripts(starts: readonly Start[], flag: string, preload: string): StartScript[] {
  return starts.flatMap(({ script: name, command: before, isPreloaded }) => {
    if (name === undefined) return [];
    if (isPreloaded) return { name, before, after: before };
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
