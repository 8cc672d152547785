import { parseArgs } from 'node:util';
import {
  explain,
  usageFailure,
  ACCESS_OPTIONS,
  UNRECORDED,
  type CommandIo,
  type AccessOptions,
  type BeginReading,
  type OpenReading,
  type Reading,
} from './command.js';
import { nearest } from '../../internal/text.js';

/** One command of `npx otel-mcp-log`. Each lives in a module of its own that exports it as `command`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole `--help` text. */
  readonly help: string;
  /**
   * Runs with the arguments after the command's name; resolves to the exit code.
   *
   * @param beginReading Called before the command looks at a log: what cannot be put on record is not read.
   */
  run(args: readonly string[], io: CommandIo, beginReading: BeginReading): Promise<number>;
}

/** One option of a command, with its help. */
interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** May be given several times. */
  readonly multiple?: true;
  /** A one-letter form. */
  readonly short?: string;
  /** The name of the value in the help: `ID`, `TIME`, … */
  readonly value?: string;
  /** One line (or two) of help. */
  readonly help: string;
}

/** The options of a command by their long names. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The values of the options of a table. */
export type OptionValues<O extends OptionTable> = {
  readonly [K in keyof O]?: O[K] extends { multiple: true }
    ? readonly string[]
    : O[K] extends { type: 'boolean' }
      ? boolean
      : string;
};

/** What a command runs with. */
interface Invocation<O extends OptionTable> {
  readonly options: OptionValues<O>;
  /** The arguments that are not options: files, as a rule. */
  readonly operands: readonly string[];
  readonly io: CommandIo;
  /** Takes the number of records that the command gives out, for the access log. */
  readonly reading: Reading;
}

/** A command without its help and its parsing: both follow from the table of options, so they always agree. */
export interface CommandSpec<O extends OptionTable> {
  readonly name: string;
  readonly summary: string;
  /** The usage line after the command's name. */
  readonly usage: string;
  /** A paragraph or two, wrapped by hand at 100 columns. */
  readonly about: string;
  readonly options: O;
  /** Command lines to copy, each with an explanation. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** The exit codes that this command gives a meaning of its own. */
  readonly exits?: readonly (readonly [code: number, what: string])[];
  /** Whether it shows content of the logs that its operands name. The access log then records who ran it. */
  readonly reads?: true;
  run(invocation: Invocation<O>): Promise<number>;
}

const HELP: OptionTable = { help: { type: 'boolean', short: 'h', help: 'show this help' } };

/** Makes a command from its description. */
export function defineCommand<const O extends OptionTable>(spec: CommandSpec<O>): Command {
  const table: OptionTable = { ...spec.options, ...(spec.reads === true ? ACCESS_OPTIONS : {}), ...HELP };
  const help = helpText(spec, table);
  return {
    name: spec.name,
    summary: spec.summary,
    help,
    async run(args, io, beginReading) {
      const { values, positionals } = parse(args, table);
      if (values['help'] === true) {
        io.stdout.write(help);
        return 0;
      }
      const reading =
        spec.reads === true
          ? await beginReading({
              command: spec.name,
              options: values as AccessOptions,
              operands: positionals,
              io,
            })
          : UNRECORDED;
      return onRecord(reading, () =>
        spec.run({ options: values as OptionValues<O>, operands: positionals, io, reading }),
      );
    },
  };
}

async function onRecord(reading: OpenReading, run: () => Promise<number>): Promise<number> {
  let exitCode: number;
  try {
    exitCode = await run();
  } catch (error) {
    await reading.end(explain(error).exitCode);
    throw error;
  }
  await reading.end(exitCode);
  return exitCode;
}

function parse(args: readonly string[], options: OptionTable) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw clearer(error, options);
  }
}

/** Rewrites Node's messages: they do not suggest the right option, and they quote values, which may be secrets. */
function clearer(error: unknown, options: OptionTable): unknown {
  if (!(error instanceof TypeError) || !('code' in error)) return error;
  const option = /'(-[^' =<,]*)/.exec(error.message)?.[1] ?? '';
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const meant = nearest(option.replace(/^-+/, ''), Object.keys(options));
    return usageFailure(
      `unknown option ${option}`,
      meant === undefined ? undefined : `Did you mean --${meant}?`,
    );
  }
  if (error.code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return error;
  const spelt = /--([\w-]+)/.exec(error.message)?.[1] ?? option;
  const spec = options[spelt];
  if (spec?.type === 'boolean') return usageFailure(`--${spelt} takes no value`);
  return usageFailure(
    `--${spelt} needs a value${spec?.value === undefined ? '' : ` (${spec.value})`}`,
    `A value that starts with a dash is written --${spelt}=-…`,
  );
}

function helpText<O extends OptionTable>(spec: CommandSpec<O>, table: OptionTable): string {
  const rows = Object.entries(table).map(([name, option]): [string, string] => {
    const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : '';
    return [`${option.short === undefined ? '    ' : `-${option.short}, `}--${name}${value}`, option.help];
  });
  const exits = spec.exits?.map(([code, what]): [string, string] => [String(code), what]);
  return [
    `${spec.summary}\n`,
    `Usage: otel-mcp-log ${spec.name} ${spec.usage}\n`,
    `${spec.about.trim()}\n`,
    `Options:\n${columns(rows)}`,
    ...(exits === undefined ? [] : [`Exit codes:\n${columns(exits)}`]),
    `Examples:\n${spec.examples.map(([line, what]) => `  # ${what}\n  ${line}`).join('\n')}\n`,
  ].join('\n');
}

/** Two columns for a help text. The first is as wide as its longest cell; the lines of a second cell stand below each other. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  return rows
    .map(([left, right]) => {
      const [first = '', ...rest] = right.split('\n');
      const head =
        left.length > width
          ? `  ${left}\n${' '.repeat(width + 4)}${first}\n`
          : `  ${left.padEnd(width)}  ${first}\n`;
      return head + rest.map((line) => `${' '.repeat(width + 4)}${line}\n`).join('');
    })
    .join('');
}
