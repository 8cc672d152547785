import type { SideOptions } from '../config.js';
import type { Option, VariableForm } from '../options/option.js';
import { OPTIONS } from '../options/tables.js';

/** What every variable of ours begins with. */
export const PREFIX = 'OTEL_MCP_LOG_';

/** The file that keeps the log where no variable names one. */
export const DEFAULT_FILE = 'audit.jsonl';

/** The sinks that `OTEL_MCP_LOG_SINKS` may name. */
export const SINK_KINDS = [
  'stdout',
  'stderr',
  'file',
  'http',
  'fieldnotes',
  'otlp',
  'syslog',
  'postgres',
] as const;

/** One of {@link SINK_KINDS}. */
export type SinkKind = (typeof SINK_KINDS)[number];

/**
 * Options of the zero-code entry itself; those of logs and sinks are declared where these take them.
 *
 * @see docs/register.md
 */
export interface RegisterOptions extends SideOptions {
  /**
   * Where records go: any of `stdout`, `stderr`, `file`, `http`, `fieldnotes`, `otlp`, `syslog`,
   * `postgres`.
   * @defaultValue `file`
   * @variable OTEL_MCP_LOG_SINKS
   */
  readonly sinks?: readonly SinkKind[];
  /**
   * What a bad variable does: `exit` stops the start-up, `warn` lets the application run **without auditing**.
   * @defaultValue `exit`
   * @variable OTEL_MCP_LOG_ON_CONFIG_ERROR
   */
  readonly onConfigError?: 'exit' | 'warn';
  /**
   * Leaves out the line on stderr at the start.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_QUIET
   */
  readonly quiet?: boolean;
  /**
   * Switches auditing off.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_DISABLED
   */
  readonly disabled?: boolean;
}

/** What takes options of its own: the log, the zero-code entry, a sink that needs some, or what is put around sinks. */
export type Part =
  | 'log'
  | 'register'
  | 'approvals'
  | 'file'
  | 'rotation'
  | 'archive'
  | 'retain'
  | 'retainAtLeast'
  | 'retainAtMost'
  | 'http'
  | 'spool'
  | 'proxy'
  | 'integrity'
  | 'erasure'
  | 'syslog'
  | 'postgres';

interface Holder {
  readonly options: Readonly<Record<string, Option>>;
  /** What errors write before the name of an option. */
  readonly prefixes: readonly string[];
  /** The sinks without one of which these options are of no use: to set them is then a mistake. */
  readonly neededBy: readonly SinkKind[];
}

/** The parts, in an order in which an option that several have belongs to the first. */
const HOLDERS: Readonly<Record<Part, Holder>> = {
  register: { options: OPTIONS.RegisterOptions, prefixes: [], neededBy: SINK_KINDS },
  log: { options: OPTIONS.AuditOptions, prefixes: [''], neededBy: SINK_KINDS },
  approvals: { options: OPTIONS.ApprovalOptions, prefixes: ['approvals.'], neededBy: SINK_KINDS },
  proxy: {
    options: { proxy: OPTIONS.HttpCommonOptions.proxy },
    prefixes: ['HttpSink.', 'FieldNotesSink.'],
    neededBy: ['http', 'fieldnotes'],
  },
  file: { options: OPTIONS.FileSinkOptions, prefixes: [''], neededBy: ['file'] },
  rotation: { options: OPTIONS.RotationOptions, prefixes: ['rotate.'], neededBy: ['file'] },
  archive: { options: OPTIONS.ArchiveOptions, prefixes: ['archive.'], neededBy: ['file'] },
  retain: { options: OPTIONS.RetainOptions, prefixes: ['retain.'], neededBy: ['file'] },
  retainAtLeast: {
    options: OPTIONS.RetainAtLeastOptions,
    prefixes: ['retain.atLeast.'],
    neededBy: ['file'],
  },
  retainAtMost: { options: OPTIONS.RetainAtMostOptions, prefixes: ['retain.atMost.'], neededBy: ['file'] },
  integrity: { options: OPTIONS.IntegrityOptions, prefixes: ['integrity.'], neededBy: ['file'] },
  erasure: { options: OPTIONS.ErasureOptions, prefixes: ['erasure.'], neededBy: SINK_KINDS },
  spool: {
    options: OPTIONS.SpoolOptions,
    prefixes: ['spool.'],
    neededBy: ['http', 'fieldnotes', 'otlp', 'syslog', 'postgres'],
  },
  http: { options: OPTIONS.HttpSinkOptions, prefixes: ['HttpSink.'], neededBy: ['http'] },
  syslog: { options: OPTIONS.SyslogSinkOptions, prefixes: ['SyslogSink.'], neededBy: ['syslog'] },
  postgres: { options: OPTIONS.PostgresSinkOptions, prefixes: ['PostgresSink.'], neededBy: ['postgres'] },
};

/** One variable. */
export interface Variable {
  readonly part: Part;
  /** The option that it sets. */
  readonly option: string;
  readonly form: VariableForm;
  /** The sinks without one of which it is of no use. */
  readonly neededBy: readonly SinkKind[];
}

/** Every variable of the zero-code entry, by its name without the prefix. */
export const VARIABLES: ReadonlyMap<string, Variable> = allVariables();

function allVariables(): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  for (const [part, { options, neededBy }] of Object.entries(HOLDERS) as [Part, Holder][])
    for (const [option, { variable, form }] of Object.entries(options))
      if (variable !== undefined && form !== undefined && !variables.has(variable))
        variables.set(variable, { part, option, form, neededBy });
  return variables;
}

/** The sinks without one of which the options of a part are of no use. */
export function sinksThatNeed(part: Part): readonly SinkKind[] {
  return HOLDERS[part].neededBy;
}

/** The variable that sets an option, by the name that errors give that. */
export function variableOf(option: string): string | undefined {
  for (const { options, prefixes } of Object.values(HOLDERS))
    for (const prefix of prefixes) {
      const name = option.slice(prefix.length);
      if (option.startsWith(prefix) && Object.hasOwn(options, name)) return options[name]?.variable;
    }
  return undefined;
}
