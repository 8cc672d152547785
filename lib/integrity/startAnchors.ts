import { IntegrityError } from '../errors.js';
import { type Anchor } from './anchors.js';
import { openCheckpoint, parseCheckpoint, splitNotes, type Checkpoint } from './checkpoint.js';
import { type NoteVerifier } from './note.js';
import { firstOrigin, renamedVerifier } from './restartOrigin.js';

/** The log holds, or lacks, what its evidence does not account for: to go on with it would be to sign another history. */
export class UnaccountedError extends IntegrityError {}

/** What the anchors of a log know of it when it starts. */
export interface Anchored {
  /** The newest checkpoint that an anchor has. */
  readonly checkpoint: Checkpoint | undefined;
  /** What whoever runs the log has to know. */
  readonly alarms: readonly string[];
}

/**
 * Reads the anchors of a log before it goes on: what they have was signed, whatever lies beside the log now.
 *
 * @param origin The origin of the log as it lies here.
 * @throws {UnaccountedError} when an anchor has checkpoints of a log that was started later than the one here.
 */
export async function readAnchors(
  anchors: readonly Anchor[],
  origin: string,
  verifiers: readonly NoteVerifier[],
): Promise<Anchored> {
  const alarms: string[] = [];
  let newest: Checkpoint | undefined;
  for (const { load } of anchors) {
    if (load === undefined) continue;
    let text: string;
    try {
      text = (await load()) ?? '';
    } catch {
      alarms.push('an anchor could not be read; the log goes on by what lies beside it');
      continue;
    }
    const own = ofThisLog(text, origin, verifiers);
    const last = own.at(-1);
    if (last !== undefined && last.origin !== origin && isLater(last.origin, origin))
      throw new UnaccountedError(
        `an anchor has checkpoints of ${last.origin}, which is not the log that lies here`,
      );
    for (const checkpoint of own)
      if (checkpoint.origin === origin && checkpoint.size >= (newest?.size ?? 0)) newest = checkpoint;
  }
  return { checkpoint: newest, alarms };
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
