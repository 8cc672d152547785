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
  /** Checkpoints with the cosignatures of witnesses: the newest that enough of them cosigned, and what follows it. */
  readonly cosigned: string;
  /** What each witness cosigned last, so that a proof from there costs no more than what was added. */
  readonly witnesses: string;
  /** A folder of timestamps, each named by the size of its checkpoint. */
  readonly timestamps: string;
  /** The leaf hashes, 32 bytes each, in order. */
  readonly leaves: string;
  /** The compact range at the newest checkpoint, and where in the log it stands. */
  readonly state: string;
  /** The beginning of the names of the MACs that vouch for lines which no checkpoint covers yet. */
  readonly tail: string;
  /** Which file holds which records. */
  readonly segments: string;
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
    cosigned: join(folder, 'cosigned'),
    witnesses: join(folder, 'witnesses.json'),
    timestamps: join(folder, 'timestamps'),
    leaves: join(folder, 'leaves'),
    state: join(folder, 'state.json'),
    tail: join(folder, 'tail'),
    segments: join(folder, 'segments.json'),
    vkey: join(folder, 'vkey'),
  };
}
