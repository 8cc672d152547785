import { IntegrityError } from '../../errors.js';
import { openCheckpoint, parseCheckpoint, splitNotes, type Checkpoint } from '../tlog/checkpoint.js';
import { type NoteVerifier } from '../tlog/note.js';
import { type ResolvedIntegrity } from './options.js';
import { waitAtMost } from './anchors.js';
import { firstOrigin, renamedVerifier } from '../tlog/checkpoint.js';
import { latestOfWitness } from './witnesses.js';
import { reachable } from '../tlog/policy.js';
import { type IntegrityLayout } from '../storage/layout.js';
import { readIfThere } from '../storage/store.js';

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
