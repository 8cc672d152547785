import { ProxyTracerProvider } from '@opentelemetry/api';
import { McpInstrumentation } from './capture/instrumentation.js';
import {
  inTermsOfVariables,
  onConfigError,
  readEnvironment,
  type Environment,
  type Variables,
} from './environment/environment.js';
import { createSinks } from './environment/sinks.js';
import { resolveOptions } from './config.js';
import { ConfigError } from './errors.js';
import { isHooksThread, registerLoaderHook } from './loader/register.js';
import { resolvePipeline } from './pipeline/options.js';
import { AuditSpanProcessor } from './processor/processor.js';
import { requireModuleHooks } from './internal/runtime.js';
import type { FileNotice } from './sinks/file/notice.js';
import type { Sink } from './sinks/sink.js';
import { shared } from './internal/shared.js';
import { PACKAGE_NAME } from './version.js';

/** Exit code of a start-up that a bad variable stopped: EX_CONFIG of sysexits.h. */
const EXIT_CONFIG = 78;

/** Stands for the sinks while the other options are checked. */
const NOWHERE: Sink = { emit: () => undefined };

/** The same failure is told once in this many milliseconds. */
const REPEAT_MS = 60_000;

/**
 * Audits the MCP clients of this process as its environment says: the whole of `otel-mcp-log/register`. Once per process,
 * however often it is asked for.
 *
 * @param require of a file of this package; see {@link registerLoaderHook}.
 */
export function auditFromEnvironment(env: Variables, require: NodeJS.Require): void {
  if (isHooksThread()) return;
  shared('register', () => {
    try {
      onConfigError(env);
      const environment = readEnvironment(env);
      if (!environment.disabled) start(environment, env, require);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refuse(inTermsOfVariables(error), env);
    }
    return {};
  });
}

function start(environment: Environment, env: Variables, require: NodeJS.Require): void {
  requireModuleHooks('otel-mcp-log/register');
  const onError = reporter();
  // Before any file is opened: a start-up that a bad variable stops leaves nothing behind.
  resolvePipeline(resolveOptions({ ...environment.audit, sink: NOWHERE }).pipeline);
  const sinks = createSinks(environment, env, { onNotice: notice, onError });
  // No provider has it, and none need: the application may know nothing of OpenTelemetry.
  const processor = new AuditSpanProcessor({ ...environment.audit, sinks, onError }).enable();
  registerLoaderHook(require);
  const instrumentation = new McpInstrumentation();
  // A tracer that nobody gives a provider to makes no spans, whatever the application registers.
  const silent = new ProxyTracerProvider().getTracer(PACKAGE_NAME);
  if (!environment.tracing) instrumentation.setTracerProvider({ getTracer: () => silent });
  processor.followProcess();
}

function refuse(error: ConfigError, env: Variables): void {
  const warns = modeOnError(env) === 'warn';
  say(`${PACKAGE_NAME}: ${error.message}${warns ? '; going on WITHOUT AUDITING' : ''}`);
  if (!warns) process.exit(EXIT_CONFIG);
}

function modeOnError(env: Variables): 'exit' | 'warn' {
  try {
    return onConfigError(env);
  } catch {
    return 'exit';
  }
}

/** Nobody reads `diag` in an application that knows nothing of us, so failures that no caller hears of go to stderr. */
function reporter(): (error: Error) => void {
  const told = new Map<string, number>();
  return ({ message }) => {
    const now = performance.now();
    if (now - (told.get(message) ?? -Infinity) < REPEAT_MS) return;
    if (told.size > 100) told.clear();
    told.set(message, now);
    say(`${PACKAGE_NAME}: ${message}`);
  };
}

function notice({ kind, path, detail }: FileNotice): void {
  say([`${PACKAGE_NAME}: ${path}: ${kind}`, detail].filter(Boolean).join(', '));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
