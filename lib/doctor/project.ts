import { readdirSync, readFileSync, existsSync, statSync } from 'node:fs';
import { basename, join, extname, relative, sep } from 'node:path';
import { applicationRequire } from '../internal/runtime.js';

/** The file that `init` writes, and that a start preloads. */
export const PRELOADED = { module: 'audit-log.mjs', commonjs: 'audit-log.cjs' } as const;

/** Whether `init` writes a file of that name. */
export function isPreload(name: string): boolean {
  return Object.values(PRELOADED).some((each) => each === name);
}

/** One way in which an application is started. */
export interface Start {
  /** Where it is written: a script of package.json, or a file of the project. */
  readonly where: string;
  readonly kind: 'script' | 'container' | 'processes' | 'functions';
  /** The script's name, where it is one. */
  readonly script?: string;
  readonly command: string;
  /** Whether this package is loaded first. */
  readonly isPreloaded: boolean;
}

/** The usual names of scripts in package.json that start an application. Others (tests, builds) stay as they are. */
const STARTS = /^(?:start|dev|serve)(?:[:-].*)?$/;

const LOADS = /otel-mcp-log\/(?:register|hook)/;

/** The files of others' tools that say how an application is started. Functions get their preload from a variable of theirs. */
const FILES: readonly (readonly [name: RegExp, kind: Exclude<Start['kind'], 'script'>])[] = [
  [/^(?:Docker|Container)file(?:\..+)?$/, 'container'],
  [/^(?:ecosystem|pm2|process)(?:\.config)?\.(?:[cm]?js|json)$/, 'processes'],
  [/^(?:nodemon\.json|Procfile)$/, 'processes'],
  [/^(?:serverless\.(?:ya?ml|[jt]s)|samconfig\.toml|netlify\.toml|vercel\.json|host\.json)$/, 'functions'],
];

/** How an application is started, so far as its files say. */
function startsOf(folder: string, scripts: Readonly<Record<string, string>>): Start[] {
  const fromScripts = Object.entries(scripts)
    .filter(([name]) => STARTS.test(name))
    .map(([script, command]) => ({
      where: `script ${script}`,
      kind: 'script' as const,
      script,
      command,
      isPreloaded: preloads(folder, command),
    }));
  const fromFiles = list(folder).flatMap((name) => {
    const [, kind] = FILES.find(([form]) => form.test(name)) ?? [];
    return kind === undefined ? [] : startsIn(folder, name, kind, scripts);
  });
  return [...fromScripts, ...fromFiles];
}

/** Whether a command line, or the value of `NODE_OPTIONS`, preloads this package, by its name or by a file that loads it. */
export function preloads(folder: string, command: string): boolean {
  if (LOADS.test(command)) return true;
  const named = command.matchAll(/(?:--import|--require|-r)(?:[ =]|["'],\s*)["']?([^\s"',]+)/g);
  return [...named].some(
    ([, file = '']) => isPreload(basename(file)) || LOADS.test(read(join(folder, file))),
  );
}

function startsIn(
  folder: string,
  where: string,
  kind: (typeof FILES)[number][1],
  scripts: Readonly<Record<string, string>>,
): Start[] {
  const text = read(join(folder, where));
  const isPreloaded = preloads(folder, text);
  if (kind !== 'container') return [{ where, kind, command: where, isPreloaded }];
  const command = text.match(/^(?:CMD|ENTRYPOINT)\s+.*$/gim)?.at(-1);
  // What runs a script of package.json is judged by that script.
  const [, name = 'start'] = /\b(?:npm|pnpm|yarn)\b[\W]+(?:run\b\W+)?([\w:-]+)/.exec(command ?? '') ?? [];
  const runsScript = /\b(?:npm|pnpm|yarn)\b/.test(command ?? '') && scripts[name] !== undefined;
  return command === undefined || runsScript ? [] : [{ where, kind, command, isPreloaded }];
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** An application, so far as its set-up is concerned. `init` plans by it, and the doctor judges by it. */
export interface Project {
  readonly folder: string;
  readonly scripts: Readonly<Record<string, string>>;
  /** The packages that package.json names. */
  readonly dependencies: ReadonlySet<string>;
  /** The module system of its `.js` files. */
  readonly system: 'module' | 'commonjs';
  /** Whether the application finds this package: package.json names it, or a folder above has it. */
  readonly depends: boolean;
  /** The source files that audit clients already. */
  readonly audited: readonly string[];
  /** The source files and scripts that set up OpenTelemetry, each with what it does it by. */
  readonly telemetry: readonly string[];
  /** How it is started, so far as its files say. */
  readonly starts: readonly Start[];
  /** Whether Next.js takes the MCP SDK into its bundles, where no hook sees it. */
  readonly isBundledByNext: boolean;
  /** The variables that a preloaded file sets where the environment leaves them unset. */
  readonly defaults: Readonly<Record<string, string>>;
}

const SOURCES = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.jsx', '.tsx']);
const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage']);

/** Bounds on the search through sources, so that any folder takes only a moment. */
const MAX_FILES = 5_000;
const MAX_BYTES = 1_000_000;

const AUDITS = /otel-mcp-log\/register|\b(?:withLogging|AuditSpanProcessor)\(/;

/** What sets OpenTelemetry up, or a tracer of its own that takes part in it, and how that shows in a source or a command. */
const TELEMETRY: readonly (readonly [name: string, form: RegExp])[] = [
  ['OpenTelemetry', /new (?:NodeSDK|NodeTracerProvider|BasicTracerProvider)\(/],
  ['OpenTelemetry', /@opentelemetry\/auto-instrumentations-node\/register/],
  ['@vercel/otel', /\bregisterOTel\(/],
  ['Sentry', /\bSentry\.init\(|@sentry\/[\w-]+\/(?:preload|import)/],
  ['Datadog', /\bdd-trace\/(?:init|register|initialize)|['"]dd-trace['"]/],
  ['New Relic', /['"]newrelic['"]|(?:-r|--require|--import)[ =]newrelic\b/],
  ['Langfuse', /\bnew LangfuseSpanProcessor\(|['"]@langfuse\/otel['"]/],
  ['Traceloop', /@traceloop\/node-server-sdk/],
  ['Azure Monitor', /\buseAzureMonitor\(/],
  ['Honeycomb', /new HoneycombSDK\(/],
  ['Elastic', /@elastic\/opentelemetry-node|\belastic-apm-node\b/],
  ['Splunk', /@splunk\/otel\b/],
  ['Logfire', /\blogfire\.configure\(/],
  ['Phoenix', /@arizeai\/phoenix-otel/],
];

/**
 * Reads the application in a folder. What is not there, or cannot be read, counts as empty.
 *
 * @param manifest its package.json.
 */
export function readProject(folder: string, manifest: Readonly<Record<string, unknown>>): Project {
  const scripts = Object.fromEntries(
    Object.entries(asObject(manifest['scripts'])).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
  const dependencies = new Set(
    ['dependencies', 'devDependencies'].flatMap((kind) => Object.keys(asObject(manifest[kind]))),
  );
  const found = readSources(folder);
  return {
    folder,
    scripts,
    dependencies,
    system: manifest['type'] === 'module' ? 'module' : 'commonjs',
    depends: dependencies.has('otel-mcp-log') || isInstalled(folder),
    audited: found.audited,
    telemetry: [...found.telemetry, ...Object.entries(scripts).flatMap(telemetryOfScript)],
    starts: startsOf(folder, scripts),
    isBundledByNext: dependencies.has('next') && !found.isExternalInNext,
    defaults: found.defaults,
  };
}

/** Reads all sources once. */
function readSources(folder: string) {
  const audited: string[] = [];
  const telemetry: string[] = [];
  const defaults: Record<string, string> = {};
  let isExternalInNext = false;
  let count = 0;
  for (const path of sourcesIn(folder)) {
    if (++count > MAX_FILES) break;
    const text = textOf(path);
    const name = relative(folder, path).split(sep).join('/');
    if (AUDITS.test(text)) audited.push(name);
    const by = telemetryIn(text);
    if (by.length > 0) telemetry.push(`${name} (${by.join(', ')})`);
    if (/^next\.config\./.test(basename(path)) && isExternal(text)) isExternalInNext = true;
    if (text.includes('otel-mcp-log/register')) Object.assign(defaults, defaultsIn(text));
  }
  return { audited, telemetry, defaults, isExternalInNext };
}

/** `serverExternalPackages`, or its name before Next 15, with the SDK. */
function isExternal(config: string): boolean {
  return /server(?:External|Components[\w]*External)Packages[^\]]*@modelcontextprotocol\//.test(config);
}

function telemetryIn(text: string): readonly string[] {
  return [...new Set(TELEMETRY.filter(([, form]) => form.test(text)).map(([name]) => name))];
}

function telemetryOfScript([name, command]: readonly [string, string]): readonly string[] {
  const by = telemetryIn(command);
  return by.length === 0 ? [] : [`script ${name} (${by.join(', ')})`];
}

/** What a preloaded file sets, in the form in which `init` writes it: `process.env.NAME ||= … 'value';`. */
function defaultsIn(text: string): Record<string, string> {
  const set = text.matchAll(/^process\.env\.(OTEL_MCP_LOG_\w+) (?:\|\||\?\?)= (?:.*\|\| )?'([^'\\]*)';$/gm);
  return Object.fromEntries([...set].map(([, name = '', value = '']) => [name, value]));
}

function isInstalled(folder: string): boolean {
  try {
    applicationRequire(folder).resolve('otel-mcp-log');
    return true;
  } catch {
    return false;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function* sourcesIn(folder: string): Generator<string> {
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    const path = join(folder, entry.name);
    // Links are not followed: they may lead out of the project, or in a circle.
    if (entry.isDirectory() && !SKIPPED.has(entry.name) && !entry.name.startsWith('.'))
      yield* sourcesIn(path);
    else if (entry.isFile() && SOURCES.has(extname(entry.name))) yield path;
  }
}

function textOf(path: string): string {
  try {
    return statSync(path).size > MAX_BYTES ? '' : readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
