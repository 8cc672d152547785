import { IntegrityError } from '../../errors.js';
import { hashFromBase64, hashToBase64, type Hash } from './merkle.js';

/** c2sp.org/tlog-witness: no proof has more lines; a tree of 2^63 leaves would need no more. */
const MAX_PROOF_LINES = 63;

/** What a log asks of a witness: to cosign a checkpoint that extends the one it cosigned last. */
export interface AddCheckpoint {
  /** The size of the checkpoint that the witness cosigned last, as far as the log knows. */
  readonly oldSize: number;
  /** The consistency proof from there (RFC 6962 section 2.1.2). */
  readonly proof: readonly Hash[];
  /** The new checkpoint: a signed note. */
  readonly note: string;
}

/** The body of an `add-checkpoint` request. */
export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${hashToBase64(hash)}\n`).join('')}\n${note}`;
}

/**
 * Reads the body of an `add-checkpoint` request.
 *
 * @throws {IntegrityError} when it is none.
 */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf('\n\n');
  if (end === -1) throw new IntegrityError('no empty line ends the proof');
  const [first = '', ...lines] = body.slice(0, end).split('\n');
  const [, decimal] = /^old (0|[1-9]\d{0,15})$/.exec(first) ?? [];
  if (decimal === undefined || !Number.isSafeInteger(Number(decimal)))
    throw new IntegrityError("the first line is not 'old' and a size");
  if (lines.length > MAX_PROOF_LINES) throw new IntegrityError('the proof has more than 63 lines');
  const proof = lines.map((line) => {
    const hash = hashFromBase64(line);
    if (hash === undefined) throw new IntegrityError('a line of the proof is not one hash in Base64');
    return hash;
  });
  return { oldSize: Number(decimal), proof, note: body.slice(end + 2) };
}
