import { printable } from '../../internal/text.js';
import { ExitCode, type CommandIo } from '../shared/command.js';
import { palette } from '../term/terminal.js';
import { plural } from '../term/units.js';

/** Where in an input something stands. */
export interface Place {
  readonly file: string;
  /** The line within the file, from 1; absent when the file as a whole is meant. */
  readonly line?: number;
  /** The byte within the file (its content, if it is compressed) that the line starts at. */
  readonly offset?: number;
}

/** So many problems of one file are shown one by one; the rest are counted. */
const SHOWN_PER_FILE = 5;

/**
 * What is wrong with the inputs: said on stderr, one line each, while the rest is served. A command that met any ends with
 * exit code 3.
 */
export class Problems {
  readonly #io: CommandIo;
  readonly #json: boolean;
  readonly #silent: boolean;
  readonly #perFile = new Map<string, number>();
  #total = 0;

  /** @param silent Count only: for what is read a second time. */
  constructor(io: CommandIo, json = false, silent = false) {
    this.#io = io;
    this.#json = json;
    this.#silent = silent;
  }

  /** How many there were. */
  get total(): number {
    return this.#total;
  }

  /** 3 if there was any, else what is given. */
  exitCode(otherwise: number = ExitCode.ok): number {
    return this.#total > 0 ? ExitCode.input : otherwise;
  }

  /** Says what is wrong, and where. The reason quotes nothing of the input. */
  report(place: Place, reason: string): void {
    this.#total++;
    const seen = (this.#perFile.get(place.file) ?? 0) + 1;
    this.#perFile.set(place.file, seen);
    if (this.#silent || seen > SHOWN_PER_FILE) return;
    const { file, line, offset } = place;
    if (this.#json) {
      this.#io.stderr.write(`${JSON.stringify({ problem: reason, file, line, offset })}\n`);
      return;
    }
    const { yellow } = palette(this.#io.stderr, this.#io.env);
    const where = `${line === undefined ? '' : `:${line}`}${offset === undefined ? '' : ` (byte ${offset})`}`;
    this.#io.stderr.write(`${yellow(`${printable(file)}${where}:`)} ${printable(reason)}\n`);
  }

  /** To be called at the end: says what was not shown. */
  conclude(): void {
    if (this.#json || this.#silent) return;
    for (const [file, seen] of this.#perFile) {
      const more = seen - SHOWN_PER_FILE;
      if (more > 0)
        this.#io.stderr.write(`${printable(file)}: and ${plural(more, 'more line')} like these\n`);
    }
  }
}
