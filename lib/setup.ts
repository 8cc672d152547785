import { ProxyTracerProvider } from '@opentelemetry/api';
import { McpInstrumentation } from './capture/instrumentation.js';
import { auditOptions, EXIT_CONFIG } from './environment/auditOptions.js';
import {
  inTermsOfVariables,
  onConfigError,
  readEnvironment,
  type Environment,
  type Variables,
} from './environment/environment.js';
import { ConfigError } from './errors.js';
import { isHooksThread, registerLoaderHook } from './loader/register.js';
import { AuditSpanProcessor } from './processor/processor.js';
import { requireModuleHooks } from './internal/runtime.js';
import { shared } from './internal/shared.js';
import { say } from './internal/stderr.js';
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
  // No provider has it, and none need: the application may know nothing of OpenTelemetry.
  const processor = new AuditSpanProcessor(auditOptions(environment, env)).enable();
  registerLoaderHook(require);
  const instrumentation = new McpInstrumentation();
  // A tracer that nobody gives a provider to makes no spans, whatever the application registers.
  const silent = new ProxyTracerProvider().getTracer(PACKAGE_NAME);
  if (!environment.tracing) instrumentation.setTracerProvider({ getTracer: () => silent });
  processor.followProcess();
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
