import { join, parse } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { ConfigError } from '../errors.js';
import type { FileSinkOptions } from '../sinks/file/fileSink.js';
import type { ArchiveOptions, RetainOptions } from '../sinks/file/keeping.js';
import type { FileIntegrityOptions } from '../sinks/file/sealing.js';
import type { RotationOptions } from '../sinks/file/segments.js';
import type { Environment } from './environment.js';
import { DEFAULT_FILE, PREFIX, variableOf } from './variables.js';

const NO_PARTS = `is set, but nothing cuts the log into parts: set ${PREFIX}ROTATE_MAX_BYTES or ${PREFIX}ROTATE_MAX_AGE_MS`;

/**
 * The options of the file sink that the environment asks for. Touches no file.
 *
 * @throws ConfigError where options are set that others lack for.
 */
export function fileOptions(environment: Environment): FileSinkOptions {
  const integrity = integrityOf(environment);
  const rotate = rotationOf(environment);
  return {
    ...environment.optionsOf('file'),
    path: filePath(environment),
    ...(integrity !== undefined && { integrity }),
    ...(rotate !== undefined && { rotate }),
    ...keepingOf(environment, integrity, rotate),
  };
}

/**
 * Where the file sink writes. Worker threads run the preloaded modules of the main thread too, and each needs a file of its
 * own.
 */
export function filePath(environment: Environment): string {
  const path = String(environment.optionsOf('file')['path'] ?? DEFAULT_FILE);
  if (isMainThread || path.includes('{thread}')) return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-{thread}${ext}`);
}

/**
 * How the file is sealed, if it is. Each process and thread that has a file of its own needs a name of its own for it.
 *
 * @throws ConfigError
 */
export function integrityOf(environment: Environment): FileIntegrityOptions | undefined {
  const options = environment.optionsOf('integrity') as Partial<FileIntegrityOptions>;
  if (Object.keys(options).length === 0) return undefined;
  const { origin, key } = options;
  if (origin === undefined || key === undefined) {
    const missing = origin === undefined ? 'ORIGIN' : 'KEY';
    throw new ConfigError(
      `${PREFIX}INTEGRITY_${missing}`,
      'is not set, and a log cannot be sealed without it',
    );
  }
  const path = filePath(environment);
  for (const token of ['{pid}', '{thread}']) {
    if (isMainThread && path.includes(token) && !origin.includes(token))
      throw new ConfigError('integrity.origin', `needs a ${token}, as the file has: one log, one origin`);
  }
  const perThread = isMainThread || origin.includes('{thread}') ? origin : `${origin}/{thread}`;
  const own = perThread.replaceAll('{pid}', String(process.pid)).replaceAll('{thread}', String(threadId));
  return { ...options, origin: own, key };
}

/** When the file is cut into parts, if it is. @throws ConfigError where parts are to be kept, and nothing makes any. */
function rotationOf(environment: Environment): RotationOptions | undefined {
  const rotate: RotationOptions = environment.optionsOf('rotation');
  const { maxBytes, maxAgeMs, compress, keep } = rotate;
  if (maxBytes !== undefined || maxAgeMs !== undefined) return rotate;
  if (compress !== true && keep === undefined) return undefined;
  throw new ConfigError(keep === undefined ? 'rotate.compress' : 'rotate.keep', NO_PARTS);
}

/**
 * Where finished parts are archived, and which of them go, if any.
 *
 * @throws ConfigError where the log is not sealed, or not cut into parts.
 */
function keepingOf(
  { optionsOf }: Environment,
  integrity: FileIntegrityOptions | undefined,
  rotate: RotationOptions | undefined,
): { archive?: ArchiveOptions; retain?: RetainOptions } {
  const archive = optionsOf('archive') as Partial<ArchiveOptions>;
  const [rules, atLeast, atMost] = [
    optionsOf('retain'),
    optionsOf('retainAtLeast'),
    optionsOf('retainAtMost'),
  ];
  const where = Object.keys(archive)
    // The commands that read an archive go by this one too, where nothing is to be archived from here.
    .filter((name) => name !== 'pathStyle')
    .map((name) => `archive.${name}`);
  const kept = [
    ...Object.keys(rules).map((name) => `retain.${name}`),
    ...Object.keys(atLeast).map((name) => `retain.atLeast.${name}`),
    ...Object.keys(atMost).map((name) => `retain.atMost.${name}`),
  ];
  const [first] = [...where, ...kept];
  if (first === undefined) return {};
  const { to } = archive;
  if (to === undefined && where.length > 0)
    throw new ConfigError('archive.to', `is not set, though ${PREFIX}${variableOf(first)} is`);
  if (integrity === undefined)
    throw new ConfigError(
      first,
      `is set, but the log is not sealed: set ${PREFIX}INTEGRITY_ORIGIN and ${PREFIX}INTEGRITY_KEY`,
    );
  if (rotate === undefined) throw new ConfigError(first, NO_PARTS);
  return {
    ...(to !== undefined && { archive: { ...archive, to } }),
    ...(kept.length > 0 && { retain: { ...rules, atLeast, atMost } }),
  };
}
