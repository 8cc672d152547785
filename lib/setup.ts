import { ProxyTracerProvider } from '@opentelemetry/api';
import { McpInstrumentation } from './capture/instrumentation.js';
import { auditOptions, checkAuditOptions, checkPlaces, EXIT_CONFIG } from './environment/auditOptions.js';
import {
  inTermsOfVariables,
  onConfigError,
  readEnvironment,
  withPathsFrom,
  type Environment,
  type Variables,
} from './environment/environment.js';
import { ConfigError } from './errors.js';
import { isHooksThread, registerLoaderHook } from './loader/register.js';
import { makeAhead, prepareAhead } from './processor/auditLog.js';
import { AuditSpanProcessor } from './processor/processor.js';
import { openWhenNeeded } from './processor/recorders.js';
import { isAncestor, requireModuleHooks } from './internal/runtime.js';
import { shared } from './internal/shared.js';
import { say, tellUnaudited } from './internal/stderr.js';
import { writerOf } from './sinks/file/lock.js';
import { PACKAGE_NAME } from './version.js';

/**
 * Audits the MCP clients of this process as its environment says: the whole of `otel-mcp-log/register`. Once per process,
 * however often it is asked for.
 *
 * @param require of a file of this package; see {@link registerLoaderHook}.
 */
export function auditFromEnvironment(env: Variables, require: NodeJS.Require): void {
  if (isHooksThread()) return;
  shared('register', () => {
    orRefuse(env, () => {
      onConfigError(env);
      const environment = withPathsFrom(process.cwd(), readEnvironment(env));
      if (!environment.disabled) start(environment, env, require);
    });
    return {};
  });
}

/**
 * `NODE_OPTIONS` hands the preload on to launchers, package managers and workers of builds, which may load the MCP SDK as well. So
 * the variables are checked now, files and folders when an MCP client is loaded, and the log is opened when one is first used.
 */
function start(environment: Environment, env: Variables, require: NodeJS.Require): void {
  requireModuleHooks('otel-mcp-log/register');
  prepareAhead(checkAuditOptions(environment, env));
  registerLoaderHook(require);
  const instrumentation = new McpInstrumentation({ servers: environment.servers });
  // A tracer that nobody gives a provider to makes no spans, whatever the application registers.
  const silent = new ProxyTracerProvider().getTracer(PACKAGE_NAME);
  if (!environment.tracing) instrumentation.setTracerProvider({ getTracer: () => silent });
  // No provider has the processor, and none need: the application may know nothing of OpenTelemetry.
  let isLeftOut = false;
  const open = () => void new AuditSpanProcessor(auditOptions(environment, env)).enable().followProcess();
  const cancel = openWhenNeeded((side) => {
    if (side === 'server' && isLeftOut) return false;
    orRefuse(env, open, (error) => (isLeftOut = side === 'server' && isStartersLog(error)));
    return !isLeftOut || side === 'client';
  });
  makeAhead(() => {
    if (!orRefuse(env, () => checkPlaces(environment))) cancel();
  });
}

/**
 * Whether the log is that of the process that started this one. An agent hands its variables on to the servers that it starts, and the
 * agent's own log has their calls already: such a server must not end for that.
 */
function isStartersLog(error: ConfigError): boolean {
  const writer = writerOf(error);
  if (writer === undefined || !isAncestor(writer)) return false;
  tellUnaudited(
    'the servers of this process: the log is that of the process that started it; name another one for it, or set OTEL_MCP_LOG_SERVERS=false (docs/servers.md)',
  );
  return true;
}

/** Runs a part of the set-up. A ConfigError ends the process, or is told alone where the environment says so. */
function orRefuse(env: Variables, run: () => void, isPassable = (_: ConfigError) => false): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (isPassable(error)) return false;
    refuse(inTermsOfVariables(error), env);
    return false;
  }
}

function refuse(error: ConfigError, env: Variables): void {
  const warns = modeOnError(env) === 'warn';
  say(`${error.message}${warns ? '; going on WITHOUT AUDITING' : ''}`);
  if (!warns) process.exit(EXIT_CONFIG);
}

function modeOnError(env: Variables): 'exit' | 'warn' {
  try {
    return onConfigError(env);
  } catch {
    return 'exit';
  }
}
