import { join, resolve } from 'node:path';
import { resolveOptions, type AuditOptions, type ResolvedOptions } from '../config.js';
import { resolveIntegrity } from '../integrity/sealing/options.js';
import { say } from '../internal/stderr.js';
import { resolvePipeline } from '../pipeline/options.js';
import type { FileNotice } from '../sinks/file/notice.js';
import { requireOpenable } from '../sinks/file/open.js';
import type { Sink } from '../sinks/sink.js';
import type { Environment, Variables } from './environment.js';
import { createSink, createSinks, filePath, integrityOf, spoolOf } from './sinks.js';

/** Exit code of a start-up that a bad variable stopped: EX_CONFIG of sysexits.h. */
export const EXIT_CONFIG = 78;

/** Stands for the sinks while the other options are checked. */
const NOWHERE: Sink = { emit: () => undefined };

/** The same failure is told once in this many milliseconds. */
const REPEAT_MS = 60_000;

/**
 * Checks what the environment asks for, so far as that can be done without a file or a request.
 *
 * @param cwd the folder of another application, whose packages it may use. Default: this one.
 * @returns the options of a log, with stand-ins for its sinks.
 * @throws ConfigError when an option cannot work, by the option's own name.
 */
export function checkAuditOptions(environment: Environment, env: Variables, cwd?: string): ResolvedOptions {
  const sinks = environment.sinks.map((kind) => {
    if (kind === 'file') return NOWHERE;
    const sink = createSink(kind, environment, env, cwd);
    return spoolOf(kind, environment) === undefined ? sink : NOWHERE;
  });
  integrityOf(environment);
  const resolved = resolveOptions({ ...environment.audit, sinks });
  resolvePipeline(resolved.pipeline);
  return resolved;
}

/**
 * Checks what the environment names on the disk, without opening or making anything of it. Whether another process has the log
 * open shows when it is opened.
 *
 * @throws ConfigError when a file or a folder cannot be used, by the option's own name.
 */
export function checkPlaces(environment: Environment): void {
  checkKey(environment);
  for (const kind of environment.sinks) {
    const spool = spoolOf(kind, environment);
    if (kind === 'file') requireOpenable(resolve(filePath(environment)));
    else if (spool !== undefined) requireOpenable(join(spool, 'queue'));
  }
}

/** Checks the key that seals the log, if it is sealed. @throws ConfigError when it cannot be used, by the option's own name. */
export function checkKey(environment: Environment): void {
  const integrity = integrityOf(environment);
  if (integrity !== undefined) resolveIntegrity({ origin: integrity.origin, key: integrity.key });
}

/**
 * The options of a log that the environment asks for, with its sinks made. What goes wrong later is told on stderr.
 *
 * @throws ConfigError when an option cannot work, by the option's own name. No file has been opened then.
 */
export function auditOptions(environment: Environment, env: Variables): AuditOptions {
  const onError = reporter();
  resolvePipeline(resolveOptions({ ...environment.audit, sink: NOWHERE }).pipeline);
  const sinks = createSinks(environment, env, { onNotice: notice, onError });
  return { ...environment.audit, sinks, onError };
}

/** Nobody reads `diag` in an application that knows nothing of us, so failures that no caller hears of go to stderr. */
function reporter(): (error: Error) => void {
  const told = new Map<string, number>();
  return ({ message }) => {
    const now = performance.now();
    if (now - (told.get(message) ?? -Infinity) < REPEAT_MS) return;
    if (told.size > 100) told.clear();
    told.set(message, now);
    say(message);
  };
}

function notice({ kind, path, detail }: FileNotice): void {
  say([`${path}: ${kind}`, detail].filter(Boolean).join(', '));
}
