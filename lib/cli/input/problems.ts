import { printable } from '../../internal/text.js';
import { ExitCode, type CommandIo } from '../shared/command.js';
import { palette } from '../term/terminal.js';
import { plural } from '../term/units.js';

/** A place in an input. */
export interface Place {
  readonly file: string;
  /** The line within the file, from 1; absent when the file as a whole is meant. */
  readonly line?: number;
  /** The byte at which the line starts, counted in the file's content after decompression. */
  readonly offset?: number;
}

/** How many problems of one file are shown one by one; further ones are counted. */
const SHOWN_PER_FILE = 5;

/**
 * Reports what is wrong with the inputs on stderr, one line each, while the command serves the rest. A command that met a
 * problem ends with exit code 3.
 */
export class Problems {
  readonly #io: CommandIo;
  readonly #json: boolean;
  readonly #instead: ((place: Place, reason: string) => void) | undefined;
  readonly #perFile = new Map<string, number>();
  #total = 0;

  /**
   * @param instead Takes what would be shown, for inputs that are read a second time; `true` where nobody needs it. The problems are
   * counted all the same.
   */
  constructor(
    io: CommandIo,
    json = false,
    instead: boolean | ((place: Place, reason: string) => void) = false,
  ) {
    this.#io = io;
    this.#json = json;
    this.#instead = instead === true ? () => undefined : instead || undefined;
  }

  /** The number of problems so far. */
  get total(): number {
    return this.#total;
  }

  /** The exit code: 3 if there was a problem, else the given one. */
  exitCode(otherwise: number = ExitCode.ok): number {
    return this.#total > 0 ? ExitCode.input : otherwise;
  }

  /** Reports what is wrong, and where. The reason must quote nothing of the input. */
  report(place: Place, reason: string): void {
    this.#total++;
    if (this.#instead !== undefined) {
      this.#instead(place, reason);
      return;
    }
    const seen = (this.#perFile.get(place.file) ?? 0) + 1;
    this.#perFile.set(place.file, seen);
    if (seen > SHOWN_PER_FILE) return;
    const { file, line, offset } = place;
    if (this.#json) {
      this.#io.stderr.write(`${JSON.stringify({ problem: reason, file, line, offset })}\n`);
      return;
    }
    const { yellow } = palette(this.#io.stderr, this.#io.env);
    const where = `${line === undefined ? '' : `:${line}`}${offset === undefined ? '' : ` (byte ${offset})`}`;
    this.#io.stderr.write(`${yellow(`${printable(file)}${where}:`)} ${printable(reason)}\n`);
  }

  /** Reports how many problems were not shown. Call it at the end. */
  conclude(): void {
    for (const [file, seen] of this.#perFile) {
      const more = seen - SHOWN_PER_FILE;
      if (more <= 0) continue;
      const problem = `and ${plural(more, 'more line')} like these`;
      this.#io.stderr.write(
        this.#json ? `${JSON.stringify({ problem, file, more })}\n` : `${printable(file)}: ${problem}\n`,
      );
    }
  }
}
