import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { installedCopies, type InstalledPackage } from '../../doctor/packages.js';
import { SDK_PACKAGES } from '../../doctor/diagnose.js';
import { inputFailure, systemReason } from '../shared/failure.js';

/** What is known about an application before its set-up is written. */
export interface Project {
  readonly folder: string;
  /** The text of package.json. Its layout is kept. */
  readonly manifest: string;
  readonly scripts: Readonly<Record<string, string>>;
  /** The module system of its `.js` files. */
  readonly system: 'module' | 'commonjs';
  readonly sdks: readonly InstalledPackage[];
  /** Whether package.json names this package. */
  readonly depends: boolean;
  /** The source files that audit clients already. */
  readonly audited: readonly string[];
  /** The source files that set up OpenTelemetry. */
  readonly telemetry: readonly string[];
}

const SOURCES = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']);
const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage']);

/** Bounds on the search through sources, so that any folder takes only a moment. */
const MAX_FILES = 5_000;
const MAX_BYTES = 1_000_000;

const SETS_UP_TELEMETRY = /new (?:NodeSDK|NodeTracerProvider|BasicTracerProvider)\(/;
const AUDITS = /otel-mcp-log\/register|\b(?:withLogging|AuditSpanProcessor)\(/;

/**
 * Reads the application in a folder.
 *
 * @throws CliFailure if there is no package.json that can be read.
 */
export function readProject(folder: string): Project {
  const manifest = read(folder);
  const { type, scripts, dependencies, devDependencies } = parse(manifest, folder);
  const names = { ...asObject(dependencies), ...asObject(devDependencies) };
  const sources = [...sourcesIn(folder)].slice(0, MAX_FILES);
  const matching = (form: RegExp) =>
    sources.filter((path) => form.test(textOf(path))).map((path) => nameOf(folder, path));
  return {
    folder,
    manifest,
    scripts: Object.fromEntries(
      Object.entries(asObject(scripts)).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    ),
    system: type === 'module' ? 'module' : 'commonjs',
    sdks: installedCopies(folder, new Set(SDK_PACKAGES)),
    depends: Object.hasOwn(names, 'otel-mcp-log'),
    audited: matching(AUDITS),
    telemetry: matching(SETS_UP_TELEMETRY),
  };
}

function read(folder: string): string {
  try {
    return readFileSync(join(folder, 'package.json'), 'utf8');
  } catch (error) {
    const reason = systemReason(error) ?? 'cannot be read';
    throw inputFailure(`package.json: ${reason}; run this in the folder of the application`, error);
  }
}

function parse(text: string, folder: string): Record<string, unknown> {
  try {
    return { ...asObject(JSON.parse(text)) };
  } catch (error) {
    throw inputFailure(`${join(folder, 'package.json')}: is not JSON`, error);
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function* sourcesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
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

function nameOf(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}
