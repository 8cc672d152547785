import { basename, dirname, join } from 'node:path';

/** What a sealed log keeps beside itself, in the folder `<log>.integrity/`. */
export interface IntegrityLayout {
  /** The folder itself. */
  readonly folder: string;
  /** The newest checkpoint: a C2SP signed note. */
  readonly checkpoint: string;
  /** Every checkpoint so far, oldest first, one note after the other. */
  readonly history: string;
  /** The newest checkpoint that an anchor took. */
  readonly anchored: string;
  /** The leaf hashes, 32 bytes each, in order. */
  readonly leaves: string;
  /** The compact range at the newest checkpoint, and where in the log it stands. */
  readonly state: string;
  /** Which file holds which records. */
  readonly manifest: string;
  /** The verifier keys, the current one first, for convenience: auditors bring their own copy. */
  readonly vkey: string;
}

/** Where the evidence of a log lies. Pure: it touches no file. */
export function integrityLayout(log: string): IntegrityLayout {
  const folder = join(dirname(log), `${basename(log)}.integrity`);
  return {
    folder,
    checkpoint: join(folder, 'checkpoint'),
    history: join(folder, 'checkpoints'),
    anchored: join(folder, 'anchored'),
    leaves: join(folder, 'leaves'),
    state: join(folder, 'state.json'),
    manifest: join(folder, 'segments.json'),
    vkey: join(folder, 'vkey'),
  };
}
