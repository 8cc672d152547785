import { openCheckpoint, splitNotes, type Checkpoint } from './checkpoint.js';
import { type IntegrityLayout } from './layout.js';
import { type NoteVerifier } from './note.js';
import { UnaccountedError } from './startAnchors.js';
import { readIfThere } from './store.js';

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
