import { fstatSync, readdirSync, readlinkSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { integrityLayout } from '../../integrity/storage/files.js';
import { findSegments } from '../../integrity/storage/segments.js';
import type { CommandIo } from '../shared/command.js';
import { usageFailure, type CliFailure } from '../shared/failure.js';

/** The endings that a name beside a log must not have, because the file would be taken for a part of the log. */
const SEGMENT_SUFFIX =
  /^(?:[.-]\d[\dTZ.:_-]*(?:\.gz)?|\.gz|\.lock|\.integrity|\.key|\.key\.pem|\.access\.(?:jsonl|json|key))$/;

/**
 * Keeps the output of a command away from its inputs and from everything that a log consists of: its segments, its evidence,
 * its lock, and the files of a spool. It compares files by device and inode, so that no link gets around it.
 */
export class OutputGuard {
  readonly #files = new Map<string, string>();
  readonly #logs: string[] = [];

  private constructor() {}

  /** @param inputs The paths of everything that the command reads: logs, checkpoints, proofs, keys. Some may be missing. */
  static async over(inputs: readonly string[]): Promise<OutputGuard> {
    const guard = new OutputGuard();
    for (const input of inputs) {
      guard.#logs.push(resolve(input), realOf(resolve(input)));
      guard.#add(input, 'is what the command reads');
      // The command that reads the log reports a damaged manifest.
      for (const { path } of await findSegments(input).catch(() => []))
        guard.#add(path, 'is a part of the log');
      const { folder } = integrityLayout(input);
      for (const name of namesIn(folder)) guard.#add(join(folder, name), 'is evidence of the log');
      for (const suffix of ['.lock', '.key'])
        guard.#add(`${input}${suffix}`, 'belongs to the writer of the log');
    }
    return guard;
  }

  /**
   * Refuses a path that must not be written.
   *
   * @throws {CliFailure} with exit code 2.
   */
  check(path: string): void {
    const full = resolve(path);
    for (const place of new Set([full, realOf(full)])) {
      const reason = this.#reasonByName(place);
      if (reason !== undefined) throw refused(path, reason);
    }
    const stats = statOf(full);
    const known = stats === undefined ? undefined : this.#files.get(keyOf(stats));
    if (known !== undefined) throw refused(path, known);
  }

  /**
   * Refuses a standard output that is redirected into an input, because the command would read what it writes.
   *
   * @throws {CliFailure} with exit code 2.
   */
  checkStdout({ stdout }: CommandIo): void {
    if (!('fd' in stdout) || typeof stdout.fd !== 'number') return;
    let stats: Stats;
    try {
      stats = fstatSync(stdout.fd);
    } catch {
      return;
    }
    const known = stats.isFile() ? this.#files.get(keyOf(stats)) : undefined;
    if (known !== undefined) throw refused('standard output', known);
  }

  #reasonByName(place: string): string | undefined {
    if (/\.integrity$/.test(dirname(place)) || /\.integrity[\\/]/.test(place))
      return 'lies in a folder of evidence';
    const name = basename(place);
    if (/\.spool$/.test(name) || (name === 'cursor.json' && holdsSpool(dirname(place))))
      return 'is a file of a spool';
    for (const log of this.#logs) {
      if (place === log) return 'is what the command reads';
      if (dirname(place) !== dirname(log) || !name.startsWith(basename(log))) continue;
      if (SEGMENT_SUFFIX.test(name.slice(basename(log).length)))
        return `would be taken for a part of the log ${basename(log)}`;
    }
    if (statOf(`${place}.integrity`)?.isDirectory() === true) return 'is a sealed log';
    return statOf(`${place}.lock`) === undefined ? undefined : 'is a log that is being written';
  }

  #add(path: string, why: string): void {
    const stats = statOf(path);
    if (stats !== undefined && !this.#files.has(keyOf(stats))) this.#files.set(keyOf(stats), why);
  }
}

function refused(path: string, why: string): CliFailure {
  return usageFailure(`${path}: will not be written over: it ${why}`, 'Name another file for the output.');
}

function keyOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** More links one after the other are taken for a circle (Linux has the same limit: path_resolution(7)). */
const MOST_LINKS = 40;

/** The real path that a path leads to. For a file that does not exist yet, its folder is resolved, and a link to it is followed. */
export function realOf(path: string, links = 0): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      const place = join(realpathSync(dirname(path)), basename(path));
      const leadsTo = linkAt(place);
      if (leadsTo === undefined || links === MOST_LINKS) return place;
      return realOf(resolve(dirname(place), leadsTo), links + 1);
    } catch {
      return path;
    }
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function holdsSpool(folder: string): boolean {
  return namesIn(folder).some((name) => name.endsWith('.spool'));
}
