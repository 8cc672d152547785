import type { Writable } from 'node:stream';
import { encodeLine } from '../codecs/json.js';
import { toJsonLine } from '../codecs/codec.js';
import type { EncodingProfileOptions, Profile } from '../codecs/profile.js';
import { SinkError } from '../errors.js';
import { checkOptions } from '../internal/options.js';
import { printable } from '../internal/text.js';
import type { AuditRecord, Outcome } from '../schema/record.js';
import { deliveredBut, encodeEach, SerialSink } from './serialSink.js';
import type { SinkResult } from './sink.js';

const WRITTEN = { status: 'delivered', ack: 'written' } as const;

/**
 * Options of {@link StdoutSink}.
 *
 * @see docs/sinks.md
 */
export interface StdoutSinkOptions extends EncodingProfileOptions {
  /** Writes lines for people instead of programs: aligned, coloured on a terminal (NO_COLOR is respected). @defaultValue false */
  readonly pretty?: boolean;
  /** Which stream records go to. A stdio MCP server speaks its protocol on stdout: there, choose `stderr`. @defaultValue `stdout` */
  readonly stream?: 'stdout' | 'stderr';
  /** The sink's name in errors and metrics. @defaultValue the stream's name */
  readonly name?: string;
}

/**
 * Writes each record as one line to standard output or standard error. It waits for the stream, so that records for a slow
 * reader do not pile up in memory. A reader that has gone away (EPIPE) is a result, and does not end the process.
 *
 * @throws ConfigError for an unknown option or a value of the wrong kind.
 *
 * @example
 * ```ts
 * const sink = new StdoutSink({ pretty: true });
 * ```
 */
export class StdoutSink extends SerialSink {
  /** The profile whose names it writes, where it was told one. */
  readonly profile: Profile | undefined;
  readonly #out: GuardedWriter;
  readonly #render: (record: AuditRecord) => string;

  constructor(options: StdoutSinkOptions = {}) {
    const {
      pretty,
      stream: target,
      profile,
      name = target,
    } = checkOptions('StdoutSinkOptions', 'StdoutSink', options);
    super(name);
    this.profile = profile;
    const stream = process[target];
    this.#out = new GuardedWriter(stream);
    if (pretty) {
      // hasColors() looks at NO_COLOR, FORCE_COLOR and TERM; a pipe or a file has no such method.
      const colors = stream.isTTY && stream.hasColors();
      this.#render = (record) => prettyRecord(record, { colors, columns: stream.columns });
    } else {
      this.#render = (record) => encodeLine(record, profile);
    }
  }

  protected async deliver(records: readonly AuditRecord[]): Promise<SinkResult> {
    const render = (record: AuditRecord): string => `${this.#render(record)}\n`;
    const { encoded, rejected } = encodeEach(this.name, records, render);
    const fault = await this.#out.write(encoded.join(''));
    if (fault === undefined) return deliveredBut(rejected, records.length, WRITTEN);
    const error = new SinkError(this.name, `${this.name} took no more: ${fault}`);
    return { status: 'permanent', error };
  }
}

/**
 * Writes to a stream of the process. A failed write also emits an `error` event, which ends the process if it has no listener.
 * So there is a listener while a write of ours may cause such an event, and only then: the program's own writes behave as
 * they would without us.
 */
class GuardedWriter {
  readonly #stream: Writable;
  #underWay = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Resolves when the stream has taken the text, with the code of the fault if it did not. */
  write(text: string): Promise<string | undefined> {
    if (this.#underWay++ === 0) this.#stream.on('error', ignore);
    return new Promise((resolve) => {
      this.#stream.write(text, (fault?: NodeJS.ErrnoException | null) => {
        resolve(fault ? (fault.code ?? fault.name) : undefined);
        // The `error` event follows this callback.
        setImmediate(() => {
          if (--this.#underWay === 0) this.#stream.off('error', ignore);
        });
      });
    });
  }
}

/** The callback of the write reports the same fault. */
function ignore(): void {}

/** How a record is laid out for people. */
export interface PrettyOptions {
  /** Whether the terminal shows ANSI colours. */
  colors: boolean;
  /** The width of the terminal in characters: detail lines are cut there. Default: they are not cut. */
  columns?: number | undefined;
}

type Color = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** SGR parameters: ECMA-48, 8.3.117. */
const SGR: Record<Color, readonly [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** A mark, a word and a colour for each outcome: they can be told apart without colours too. */
const LOOKS: Record<Outcome, readonly [mark: string, word: string, color: Color]> = {
  OUTCOME_SUCCESS: ['✔', 'success', 'green'],
  OUTCOME_FAILURE_ERROR: ['✘', 'error', 'red'],
  OUTCOME_FAILURE_DENIED: ['⊘', 'denied', 'red'],
  OUTCOME_FAILURE_UNAUTHORIZED: ['⊘', 'unauthorized', 'red'],
  OUTCOME_PARTIAL: ['◐', 'partial', 'yellow'],
  OUTCOME_UNSPECIFIED: ['?', 'unknown', 'yellow'],
};

const INDENT = ' '.repeat(16);

/**
 * A record for a terminal: one line with the time, the outcome, the resource and the duration; below it, indented, the reason
 * of a failure and the arguments. Control characters are escaped, so that nothing in a record can move the cursor, change
 * colours, or add a line.
 */
export function prettyRecord(record: AuditRecord, { colors, columns }: PrettyOptions): string {
  const paint = (text: string, ...styles: Color[]): string =>
    colors
      ? styles.reduce((inner, style) => `\u001b[${SGR[style][0]}m${inner}\u001b[${SGR[style][1]}m`, text)
      : text;
  const [mark, word, color] = LOOKS[record.outcome] ?? LOOKS.OUTCOME_UNSPECIFIED;
  const head = [
    paint(printable(record.time.slice(11, 23)).padEnd(12), 'dim'),
    paint(`${mark} ${word.padEnd(12)}`, color, 'bold'),
    paint(printable(record.resource).padEnd(28), 'bold'),
    `${record.duration_ms.toFixed(1).padStart(9)} ms`,
    printable(record.actor_id),
    paint(printable(trail(record)), 'dim'),
  ];
  const lines = [head.join('  ').trimEnd()];
  const fit = (text: string): string => cut(`${INDENT}${printable(text)}`, columns);
  if (record.error) lines.push(paint(fit(reason(record.error)), color));
  const given = record.mcp?.tool_arguments ?? record.mcp?.prompt_arguments ?? record.data;
  if (given !== undefined) lines.push(paint(fit(toJsonLine(given)), 'dim'));
  return lines.join('\n');
}

/** Where to look further: the server and the trace. */
function trail({ server_id: server, trace_id: trace }: AuditRecord): string {
  return [server && `@${server}`, trace && `trace ${trace}`].filter(Boolean).join('  ');
}

function reason({ type, code, message }: NonNullable<AuditRecord['error']>): string {
  const kind = code === undefined || code === type ? type : `${type} (${code})`;
  return message ? `${kind}: ${message}` : kind;
}

/** Cuts by code points, so that no character is halved. */
function cut(text: string, columns: number | undefined): string {
  if (columns === undefined || text.length <= columns) return text;
  return `${Array.from(text)
    .slice(0, Math.max(columns - 1, INDENT.length))
    .join('')}…`;
}
