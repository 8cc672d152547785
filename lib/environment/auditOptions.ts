import { resolveOptions, type AuditOptions } from '../config.js';
import { say } from '../internal/stderr.js';
import { resolvePipeline } from '../pipeline/options.js';
import type { FileNotice } from '../sinks/file/notice.js';
import type { Sink } from '../sinks/sink.js';
import type { Environment, Variables } from './environment.js';
import { createSinks } from './sinks.js';

/** Exit code of a start-up that a bad variable stopped: EX_CONFIG of sysexits.h. */
export const EXIT_CONFIG = 78;

/** Stands for the sinks while the other options are checked. */
const NOWHERE: Sink = { emit: () => undefined };

/** The same failure is told once in this many milliseconds. */
const REPEAT_MS = 60_000;

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
