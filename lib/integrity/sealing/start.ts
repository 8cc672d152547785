import { mkdir, open, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { IntegrityError } from '../../errors.js';
import {
  openCheckpoint,
  parseCheckpoint,
  splitNotes,
  firstOrigin,
  renamedVerifier,
  restartOrigin,
  type Checkpoint,
} from '../tlog/checkpoint.js';
import { parseVkey, type NoteVerifier } from '../tlog/note.js';
import type { ResolvedIntegrity } from './options.js';
import { waitAtMost } from './anchors.js';
import { latestOfWitness } from './witnesses.js';
import { reachable } from '../tlog/policy.js';
import { readIfThere, integrityLayout, type IntegrityLayout } from '../storage/files.js';
import { readLines, readSegments } from '../storage/segments.js';

/** The log holds, or lacks, what its evidence does not account for. Continuing it would sign another history. */
export class UnaccountedError extends IntegrityError {
  /**
   * @param unvouched How many lines at the very end are all that is not accounted for, where a power cut may have left them so.
   * Nothing in every other case.
   */
  constructor(
    message: string,
    readonly unvouched?: number,
  ) {
    super(message);
  }
}

/** What the anchors of a log know of it when it starts. */
export interface Anchored {
  /** The newest checkpoint that an anchor has. */
  readonly checkpoint: Checkpoint | undefined;
  /** Messages for the operator of the log. */
  readonly alarms: readonly string[];
}

/** A start does not wait longer than this for anchors and witnesses. */
const PATIENCE_MS = 5_000;

/** Something that keeps checkpoints of a log, as it is called in alarms, and what gives them back. */
interface Keeper {
  readonly name: string;
  load(): Promise<string | undefined> | string | undefined;
}

/**
 * Reads the anchors of a log, and asks its witnesses, before the log is continued: what they have was signed, whatever lies beside
 * the log now. An anchor that cannot be read in time is reported, and the log starts without it.
 *
 * @throws {UnaccountedError} when one has checkpoints of a log that was started later than the one here.
 */
export async function readAnchors(options: ResolvedIntegrity): Promise<Anchored> {
  const { signer, verifiers } = options;
  const origin = signer.name;
  const alarms: string[] = [];
  const keepers = [...anchorsOf(options), ...witnessesOf(options)];
  const texts = await Promise.all(keepers.map((keeper) => loadInTime(keeper, alarms)));
  let newest: Checkpoint | undefined;
  for (const [at, text] of texts.entries()) {
    const own = ofThisLog(text, origin, verifiers);
    const last = own.at(-1);
    if (last !== undefined && last.origin !== origin && isLater(last.origin, origin))
      throw new UnaccountedError(
        `${keepers[at]?.name ?? 'an anchor'} has checkpoints of ${last.origin}, which is not the log that lies here`,
      );
    for (const checkpoint of own)
      if (checkpoint.origin === origin && checkpoint.size >= (newest?.size ?? 0)) newest = checkpoint;
  }
  return { checkpoint: newest, alarms };
}

function anchorsOf({ anchors }: ResolvedIntegrity): Keeper[] {
  return anchors.flatMap(({ load }) => (load === undefined ? [] : [{ name: 'an anchor', load }]));
}

function witnessesOf({ witnesses, signer }: ResolvedIntegrity): Keeper[] {
  if (witnesses === undefined) return [];
  return reachable(witnesses.policy).map((witness) => ({
    name: `the witness ${witness.name}`,
    load: () => latestOfWitness(witnesses.fetch, witness.url, signer.name),
  }));
}

async function loadInTime({ name, load }: Keeper, alarms: string[]): Promise<string> {
  let text: string | undefined;
  const loaded = (async () => (text = (await load()) ?? ''))().catch(() => undefined);
  await waitAtMost(PATIENCE_MS, loaded);
  if (text === undefined) alarms.push(`${name} could not be read; the log goes on by what lies beside it`);
  return text ?? '';
}

/** The checkpoints that this log, or one that it was started anew from or as, has signed. One anchor may serve several logs. */
function ofThisLog(text: string, origin: string, verifiers: readonly NoteVerifier[]): Checkpoint[] {
  return splitNotes(text).notes.flatMap((note) => {
    try {
      const { origin: name } = parseCheckpoint(note);
      if (firstOrigin(name) !== firstOrigin(origin)) return [];
      return [
        openCheckpoint(
          note,
          verifiers.map((verifier) => renamedVerifier(verifier, name)),
        ),
      ];
    } catch {
      return [];
    }
  });
}

/** Names of restarts end in the time; the first log has no such end. */
function isLater(one: string, other: string): boolean {
  return one.length > other.length || (one.length === other.length && one > other);
}

/**
 * The newest checkpoint of a log. The checkpoint file alone could have been rolled back: what the history and the anchor
 * knew counts as much.
 *
 * @returns the checkpoint, if there ever was one, and what looks wrong.
 * @param anchored The newest checkpoint that an anchor has.
 * @throws {IntegrityError} when the checkpoint file holds none that a known key signed.
 */
export async function newestCheckpoint(
  layout: IntegrityLayout,
  verifiers: readonly NoteVerifier[],
  anchored?: Checkpoint,
): Promise<{ checkpoint: Checkpoint | undefined; alarms: string[] }> {
  const note = await readIfThere(layout.checkpoint);
  const current = note === undefined ? undefined : openCheckpoint(note, verifiers);
  const alarms: string[] = [];
  let checkpoint = current;
  for (const path of [layout.history, layout.anchored]) {
    const last = splitNotes((await readIfThere(path)) ?? '').notes.at(-1);
    if (last === undefined) continue;
    try {
      const other = openCheckpoint(last, verifiers);
      if (checkpoint === undefined || other.size > checkpoint.size) checkpoint = other;
    } catch (error) {
      alarms.push(`${path}: ${(error as Error).message}`);
    }
  }
  if (anchored !== undefined && anchored.size === checkpoint?.size && anchored.root !== checkpoint.root)
    throw new UnaccountedError(
      `the checkpoint of ${anchored.size} records contradicts the one that an anchor has`,
    );
  if (anchored !== undefined && anchored.size > (checkpoint?.size ?? -1)) checkpoint = anchored;
  if (checkpoint !== current)
    alarms.push(`the checkpoint of ${checkpoint?.size} records was removed, or replaced by an older one`);
  return { checkpoint, alarms };
}

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
