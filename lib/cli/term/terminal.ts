import type { Writable } from 'node:stream';
import { after } from '../../internal/duration.js';
import type { CommandIo } from '../shared/command.js';
import { bytes } from './units.js';

/** Styles a text for a terminal. Returns the text as it is where colours are not wanted. */
export type Paint = (text: string) => string;

/** The styles that commands use. */
export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
  readonly magenta: Paint;
  readonly cyan: Paint;
}

/** SGR codes (ECMA-48, 8.3.117): on and off. */
const CODES: Readonly<Record<keyof Palette, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

/** Whether a stream is a terminal. */
export function isTerminal(stream: object): boolean {
  return Reflect.get(stream, 'isTTY') === true;
}

/** A table in fewer columns than this tells nothing; in a narrower terminal its lines wrap. */
const LEAST_WIDTH = 40;
/** The width of output that goes to no terminal. */
const DEFAULT_WIDTH = 100;

/** The width to write tables in, in columns: `COLUMNS` where it is set (POSIX, XBD 8.3), else that of the terminal. */
export function terminalWidth({ stdout, env }: CommandIo): number {
  const asked = Number(env['COLUMNS'] || Reflect.get(stdout, 'columns'));
  return Number.isInteger(asked) && asked > 0 ? Math.max(LEAST_WIDTH, asked) : DEFAULT_WIDTH;
}

/** Colours are for terminals only. NO_COLOR (no-color.org) and TERM=dumb turn them off, FORCE_COLOR turns them on. */
function wantsColour(stream: Writable, env: CommandIo['env']): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return isTerminal(stream) && env['TERM'] !== 'dumb';
}

/** The styles for one stream. */
export function palette(stream: Writable, env: CommandIo['env']): Palette {
  const colour = wantsColour(stream, env);
  const entries = Object.entries(CODES).map(([name, [on, off]]): [string, Paint] => [
    name,
    colour ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text,
  ]);
  return Object.fromEntries(entries) as Record<keyof Palette, Paint>;
}

/** Shows the progress of long work. */
export interface Progress {
  /** Adds to the number of bytes that are done. */
  advance(amount: number): void;
  /** Removes the bar, so that the next output starts on a clean line. */
  end(): void;
}

/** Shorter work shows no bar. */
const PATIENCE_MS = 400;
const REDRAW_MS = 100;
const BAR = 24;

/**
 * Says on stderr what is waited for, if that is a terminal and the wait is longer than a moment.
 *
 * @returns Removes the line again. Call it at the end.
 */
export function waiting(io: CommandIo, what: string): () => void {
  if (!isTerminal(io.stderr) || io.env['TERM'] === 'dumb') return () => undefined;
  let isShown = false;
  const timer = after(PATIENCE_MS, () => {
    isShown = true;
    io.stderr.write(`\r\u001b[2K${what}…`);
  });
  return () => {
    clearTimeout(timer);
    if (isShown) io.stderr.write('\r\u001b[2K');
  };
}

/** A progress bar on stderr, if that is a terminal. */
export function progressBar(io: CommandIo, label: string, total: number): Progress {
  if (!isTerminal(io.stderr) || io.env['TERM'] === 'dumb')
    return { advance: () => undefined, end: () => undefined };
  const began = Date.now();
  let done = 0;
  let drawn = 0;

  const draw = (now: number) => {
    drawn = now;
    const part = total > 0 ? Math.min(1, done / total) : 0;
    const filled = Math.round(part * BAR);
    const rate = bytes(done / Math.max(0.001, (now - began) / 1000));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
    const measure = total > 0 ? `${bar} ${String(Math.floor(part * 100)).padStart(3)}%` : bytes(done);
    io.stderr.write(`\r\u001b[2K${label} ${measure}  ${rate}/s`);
  };
  return {
    advance(amount) {
      done += amount;
      const now = Date.now();
      if (now - began > PATIENCE_MS && now - drawn > REDRAW_MS) draw(now);
    },
    end() {
      if (drawn > 0) io.stderr.write('\r\u001b[2K');
    },
  };
}
