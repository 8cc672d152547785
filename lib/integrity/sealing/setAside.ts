import { mkdir, open, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openCheckpoint, splitNotes } from '../tlog/checkpoint.js';
import { integrityLayout } from '../storage/layout.js';
import { readLines } from '../storage/lines.js';
import { readSegments } from '../storage/segments.js';
import { parseVkey } from '../tlog/note.js';
import { type ResolvedIntegrity } from './options.js';
import { firstOrigin, renamedVerifier, restartOrigin } from '../tlog/checkpoint.js';
import { readIfThere } from '../storage/store.js';

/**
 * Moves a log with all its segments and its evidence into a folder beside it, unchanged, so that a new one can begin under
 * its path.
 *
 * @returns the folder.
 */
export async function setAside(log: string, time: Date): Promise<string> {
  const folder = `${log}.set-aside-${stampOf(time)}`;
  await mkdir(folder, { mode: 0o700 });
  const name = basename(log);
  for (const found of await readdir(dirname(log))) {
    if (!found.startsWith(name) || !/^(?:[.-]\d.*|\.integrity)?$/.test(found.slice(name.length))) continue;
    await rename(join(dirname(log), found), join(folder, found));
  }
  return folder;
}

/**
 * Moves the last lines of a log into a file beside it, unchanged: what a power cut left without anything that vouches for it.
 *
 * @param log Its path. It must have no writer at the time.
 * @returns the file; nothing where the lines begin in an earlier segment.
 */
export async function setTailAside(log: string, count: number, time: Date): Promise<string | undefined> {
  const starts: number[] = [];
  for await (const batch of readLines(readSegments([{ path: log, present: true }])))
    for (const { offset } of batch) if (starts.push(offset) > count) starts.shift();
  const [start] = starts;
  if (start === undefined || starts.length < count) return undefined;
  const aside = `${log}.unsealed-${stampOf(time)}`;
  const source = await open(log, 'r+');
  try {
    const target = await open(aside, 'wx', 0o600);
    try {
      await writeFile(target, source.createReadStream({ start, autoClose: false }));
      await target.sync();
    } finally {
      await target.close();
    }
    await source.truncate(start);
    await source.sync();
  } finally {
    await source.close();
  }
  return aside;
}

function stampOf(time: Date): string {
  return time.toISOString().replace(/[-:.]/g, '');
}

/** The options of the log that is started in the place of another. */
export function restarted(options: ResolvedIntegrity, time: Date): ResolvedIntegrity {
  return named(options, restartOrigin(options.signer.name, time));
}

/**
 * The options of the log that lies under a path: it may have been started anew, under an origin of its own. What the files
 * say is a hint alone; a log of that origin has to be signed by the same key.
 */
export async function ofLogHere(log: string, options: ResolvedIntegrity): Promise<ResolvedIntegrity> {
  const { checkpoint, history, vkey } = integrityLayout(log);
  const notes = await Promise.all(
    [checkpoint, history].map(async (path) => splitNotes((await readIfThere(path)) ?? '').notes.at(-1)),
  );
  for (const note of notes) {
    const origin = note?.slice(0, note.indexOf('\n')) ?? '';
    if (origin === options.signer.name || firstOrigin(origin) !== options.signer.name) continue;
    const renamed = named(options, origin);
    try {
      openCheckpoint(note ?? '', renamed.verifiers);
      return renamed;
    } catch {
      continue;
    }
  }
  if (notes.some((note) => note !== undefined)) return options;
  try {
    const { name } = parseVkey(((await readIfThere(vkey)) ?? '').split('\n')[0] ?? '');
    return name !== options.signer.name && firstOrigin(name) === options.signer.name
      ? named(options, name)
      : options;
  } catch {
    return options;
  }
}

function named(options: ResolvedIntegrity, origin: string): ResolvedIntegrity {
  const signer = options.signer.as(origin);
  const previous = options.verifiers.slice(1).map((verifier) => renamedVerifier(verifier, origin));
  return { ...options, signer, verifiers: [signer, ...previous] };
}
