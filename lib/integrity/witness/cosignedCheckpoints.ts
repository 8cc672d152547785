import { type Checkpoint } from '../checkpoint.js';
import { parseNote, type NoteSignature } from '../note.js';
import { cosignaturesOf, withSignatures } from './cosignature.js';
import { witnessKeys, type WitnessPolicy } from './policy.js';

/**
 * The cosigned checkpoints of a log that are worth keeping: the newest that enough witnesses have cosigned, and those after
 * it, whose cosignatures are still coming in.
 */
export class CosignedCheckpoints {
  readonly #policy: WitnessPolicy;
  #kept: Checkpoint[];

  /** @param kept What was kept before, oldest first. */
  constructor(policy: WitnessPolicy, kept: readonly Checkpoint[]) {
    this.#policy = policy;
    this.#kept = [...kept];
  }

  /** The notes to keep, oldest first. */
  get notes(): string[] {
    return this.#kept.map(({ note }) => note);
  }

  /** Adds the cosignatures that one witness gave for a checkpoint. */
  add(checkpoint: Checkpoint, signatures: readonly NoteSignature[]): void {
    const { text } = parseNote(checkpoint.note);
    const same = this.#kept.find(({ note }) => parseNote(note).text === text);
    const note = withSignatures((same ?? checkpoint).note, signatures);
    const others = this.#kept.filter((each) => each !== same);
    this.#kept = [...others, { ...checkpoint, note }].sort((a, b) => a.size - b.size);
    const enough = this.#kept.map((each) => isCosigned(each.note, this.#policy)).lastIndexOf(true);
    if (enough > 0) this.#kept = this.#kept.slice(enough);
  }
}

/** Whether enough witnesses of a policy have cosigned a checkpoint. */
export function isCosigned(note: string, policy: WitnessPolicy): boolean {
  return policy.isMetBy(cosignaturesOf(note, witnessKeys(policy)).map(({ witness }) => witness));
}
