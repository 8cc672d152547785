import { resolve } from 'node:path';
import type { AuditOptions } from '../config.js';
import type { ErasureOptions } from '../erasure/options.js';
import type { VariableForm } from '../options/option.js';
import { ConfigError } from '../errors.js';
import { FIELD_NOTES_VARIABLES } from '../sinks/http/fieldNotesSink.js';
import { requireChoice, requirePairs, splitList } from '../internal/options.js';
import { nearest } from '../internal/text.js';
import { OPTIONS } from '../options/tables.js';
import { resourceVariables } from '../origin.js';
import {
  DEFAULT_FILE,
  PREFIX,
  SINK_KINDS,
  VARIABLES,
  variableOf,
  type Part,
  type RegisterOptions,
  type SinkKind,
} from './variables.js';

/** The variables of others, by the names that a ConfigError gives the options that they set. */
const OTHERS = new Map<string, string>(
  Object.entries(FIELD_NOTES_VARIABLES).map(([option, name]) => [`FieldNotesSink.${option}`, name]),
);

/** The environment of a process, or a part of it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What the environment asks for. Values are checked later, by the constructors that they go to. */
export interface Environment {
  readonly disabled: boolean;
  /** Whether the process's own servers are audited as well as its clients. */
  readonly servers: boolean;
  /** False where `OTEL_SDK_DISABLED` says that there shall be no spans. */
  readonly tracing: boolean;
  readonly sinks: readonly SinkKind[];
  /** Options of the audit log, without its sinks. */
  readonly audit: Omit<AuditOptions, 'sink' | 'sinks'>;
  /** Options of one part, by the names that the part gives them. */
  optionsOf(part: Part): Readonly<Record<string, unknown>>;
}

/**
 * Reads the variables. Pure: looks at nothing but its argument. An empty variable is an unset one, as in OpenTelemetry.
 *
 * @throws ConfigError that names the variable, and never its value.
 */
export function readEnvironment(env: Variables): Environment {
  const unknown = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .find((name) => !VARIABLES.has(name));
  if (unknown !== undefined) throw unknownVariable(unknown);
  const values = new Map<string, unknown>();
  for (const [name, { form }] of VARIABLES) {
    const text = env[PREFIX + name]?.trim();
    if (text !== undefined && text !== '') values.set(name, parse(PREFIX + name, text, form));
  }
  const own: RegisterOptions = optionsFor(values, 'register');
  const disabled = own.disabled === true;
  // What records need has to be there only where there are any: a program that switches auditing off starts without it.
  if (!disabled && values.get('REQUIRE_ACTOR') === true && !values.has('ACTOR'))
    throw new ConfigError(`${PREFIX}ACTOR`, `is not set, though ${PREFIX}REQUIRE_ACTOR is true`);
  const resource = resourceVariables(env);
  const sinks = chosenSinks(own.sinks, values);
  return {
    disabled,
    servers: own.servers !== false,
    tracing: env['OTEL_SDK_DISABLED']?.trim().toLowerCase() !== 'true',
    sinks,
    audit: {
      ...optionsFor(values, 'log'),
      ...approvalsFor(values),
      ...erasureIn(values),
      environment: required(
        values.get('ENVIRONMENT') ??
          resource.get('deployment.environment.name') ??
          resource.get('deployment.environment') ??
          (disabled ? 'none' : undefined),
      ),
      ...named(
        'component',
        (values.get('COMPONENT') as string | undefined) ??
          (env['OTEL_SERVICE_NAME']?.trim() || resource.get('service.name')),
      ),
    },
    optionsOf: (part) => optionsFor(values, part),
  };
}

/** An option that is left to its default where there is no value. */
function named<K extends string>(option: K, value: string | undefined): { [key in K]?: string } {
  return value === undefined ? {} : ({ [option]: value } as { [key in K]?: string });
}

/** The options that are paths, by their part. */
const PATHS: Partial<Record<Part, readonly string[]>> = {
  file: ['path'],
  integrity: ['key', 'anchor', 'witnesses'],
  spool: ['directory'],
};

/** The same with all paths absolute: the process may change its folder before it opens its log. */
export function withPathsFrom(folder: string, environment: Environment): Environment {
  const { audit } = environment;
  const { toolState, commitmentKey, approvals, erasure } = audit;
  const file = approvals?.file;
  return {
    ...environment,
    audit: {
      ...audit,
      ...(toolState !== undefined && { toolState: resolve(folder, toolState) }),
      ...(commitmentKey !== undefined && { commitmentKey: resolve(folder, commitmentKey) }),
      ...(file !== undefined && { approvals: { ...approvals, file: resolve(folder, file) } }),
      ...(erasure !== undefined && { erasure: resolvedKeys(folder, erasure) }),
    },
    optionsOf(part) {
      const options = { ...environment.optionsOf(part) };
      if (part === 'file') options['path'] ??= DEFAULT_FILE;
      for (const name of PATHS[part] ?? []) {
        const path = options[name];
        if (typeof path === 'string') options[name] = resolve(folder, path);
      }
      return options;
    },
  };
}

function resolvedKeys(folder: string, erasure: ErasureOptions): ErasureOptions {
  const paths = Object.entries(erasure).map(([name, path]) => [name, resolve(folder, String(path))]);
  return Object.fromEntries(paths) as ErasureOptions;
}

/** What a bad variable does; read before all others, and itself never the reason to go on. */
export function onConfigError(env: Variables): 'exit' | 'warn' {
  const { choices, default: fallback, variable } = OPTIONS.RegisterOptions.onConfigError;
  return requireChoice(PREFIX + variable, env[PREFIX + variable]?.trim() || fallback, choices);
}

/** A ConfigError of the library's own options, in the words of whoever set a variable. */
export function inTermsOfVariables(error: ConfigError): ConfigError {
  const given = error.option.replace(/\[.*/, '');
  const own = variableOf(given);
  const name = own === undefined ? OTHERS.get(given) : PREFIX + own;
  return name === undefined ? error : new ConfigError(name, error.problem);
}

function chosenSinks(
  names: readonly string[] = [OPTIONS.RegisterOptions.sinks.default],
  values: ReadonlyMap<string, unknown>,
): SinkKind[] {
  const sinks = names.map((name) => requireChoice(`${PREFIX}SINKS`, name, SINK_KINDS));
  for (const [name] of values) {
    const { neededBy = SINK_KINDS } = VARIABLES.get(name) ?? {};
    if (!sinks.some((sink) => neededBy.includes(sink)))
      throw new ConfigError(PREFIX + name, `is set, but ${PREFIX}SINKS names none of ${neededBy.join(', ')}`);
  }
  return [...new Set(sinks)];
}

function unknownVariable(name: string): ConfigError {
  const meant = nearest(name, VARIABLES.keys());
  const known = [...VARIABLES.keys()].map((each) => PREFIX + each).join(', ');
  return new ConfigError(
    PREFIX + name,
    `unknown variable; ${meant === undefined ? `known are ${known}` : `did you mean ${PREFIX}${meant}?`}`,
  );
}

function optionsFor(values: ReadonlyMap<string, unknown>, part: Part) {
  const options: Record<string, unknown> = {};
  for (const [name, value] of values) {
    const variable = VARIABLES.get(name);
    if (variable?.part === part) options[variable.option] = value;
  }
  return options;
}

/** Calls need approvals where one of the variables for them is set. */
function approvalsFor(values: ReadonlyMap<string, unknown>): Pick<AuditOptions, 'approvals'> {
  const approvals = optionsFor(values, 'approvals');
  return Object.keys(approvals).length === 0 ? {} : { approvals };
}

/** What encrypts the values that concern persons, where a variable names a folder of keys. */
function erasureIn(values: ReadonlyMap<string, unknown>): Pick<AuditOptions, 'erasure'> {
  const erasure = optionsFor(values, 'erasure');
  if (Object.keys(erasure).length === 0) return {};
  if (erasure['keys'] === undefined)
    throw new ConfigError(`${PREFIX}SUBJECT_KEYS`, `is not set, though ${PREFIX}MASTER_KEY is`);
  return { erasure: erasure as unknown as ErasureOptions };
}

function required(environment: unknown): string {
  if (typeof environment === 'string') return environment;
  throw new ConfigError(`${PREFIX}ENVIRONMENT`, "is not set, expected where this runs, e.g. 'production'");
}

function parse(name: string, text: string, form: VariableForm): unknown {
  if (form === 'list') return splitList(text);
  if (form === 'headers') return Object.fromEntries(requirePairs(name, text));
  if (form === 'text') return text;
  if (form === 'integer' && /^\d+$/.test(text)) return Number(text);
  if (form === 'integer') throw new ConfigError(name, 'got a string, expected a whole number');
  const words = new Map([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ]);
  const value = words.get(text.toLowerCase());
  if (value === undefined) throw new ConfigError(name, 'got a string, expected true or false');
  return value;
}
