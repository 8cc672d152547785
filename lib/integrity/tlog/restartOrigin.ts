import { parseCheckpoint, openCheckpoint, type Checkpoint } from './checkpoint.js';
import { formatVkey, keyId, type NoteVerifier } from './note.js';

/**
 * The origin of the log that is started in the place of one whose evidence did not hold. It is a name of its own, so that no
 * checkpoint of the new log passes for one of the old log.
 */
export function restartOrigin(origin: string, time: Date): string {
  return `${origin}/restart-${time.toISOString().replace(/[-:.]/g, '')}`;
}

/** The origin that a restarted log had at first: what {@link restartOrigin} was given. */
export function firstOrigin(origin: string): string {
  return origin.replace(/\/restart-[\dTZ]+$/, '');
}

/** The same key under another name: C2SP key ids depend on the name. */
export function renamedVerifier({ publicKey }: NoteVerifier, name: string): NoteVerifier {
  return { name, keyId: keyId(name, publicKey), publicKey };
}

/**
 * Tells whether a checkpoint is of a log that was started anew by the holder of a trusted key. That log is not trusted by
 * itself: whoever reads it has to be told why there are two.
 *
 * @returns the checkpoint and the verifier key that its log has; nothing if the checkpoint is of no such log.
 */
export function restartedLog(
  note: string,
  verifiers: readonly NoteVerifier[],
): { readonly checkpoint: Checkpoint; readonly vkey: string } | undefined {
  for (const verifier of verifiers) {
    try {
      const { origin } = parseCheckpoint(note);
      if (origin === verifier.name || firstOrigin(origin) !== verifier.name) continue;
      const renamed = renamedVerifier(verifier, origin);
      return { checkpoint: openCheckpoint(note, [renamed]), vkey: formatVkey(origin, renamed.publicKey) };
    } catch {
      continue;
    }
  }
  return undefined;
}
