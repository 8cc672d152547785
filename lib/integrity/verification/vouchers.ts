import { IntegrityError } from '../../errors.js';
import { type Checkpoint } from '../tlog/checkpoint.js';
import { type Problem } from './verdict.js';
import { parseNote } from '../tlog/note.js';
import { verifyTimestamp } from './timestamp.js';
import { type Check } from './verdict.js';
import { cosignaturesOf, type Cosignature } from '../tlog/cosignature.js';
import { witnessKeys, type WitnessPolicy } from '../tlog/policy.js';

/** A timestamp that was kept with a log. */
export interface TimestampInput {
  /** How many records the checkpoint covers that it is of. */
  readonly size: number;
  /** TimeStampResp in DER (RFC 3161). */
  readonly reply: Uint8Array;
}

/** Timestamps, and the authorities that they may be of. */
export interface TimestampOptions {
  /** The timestamps that lie beside the log. */
  readonly tokens: readonly TimestampInput[];
  /** Trusted certificates in PEM: the authority's, or the root of its chain. */
  readonly certificates: string;
}

/** What others say of a log, and how far. */
export interface Voucher {
  readonly problems: readonly Problem[];
  readonly check: Check;
}

/** A checkpoint that its log signed, with the name of the place that it is from. */
type Head = Checkpoint & { readonly name: string };

/**
 * Asks that enough witnesses have cosigned the log.
 *
 * @param heads Checkpoints that the log leads to.
 * @param size How many records there are.
 * @param live Whether records may follow the last that was cosigned.
 */
export function vouchedByWitnesses(
  policy: WitnessPolicy,
  heads: readonly Head[],
  size: number,
  live: boolean,
): Voucher {
  const problems: Problem[] = [];
  let newest: { readonly size: number; readonly by: readonly Cosignature[] } | undefined;
  for (const head of heads) {
    try {
      const by = cosignaturesOf(head.note, witnessKeys(policy));
      if (policy.isMetBy(by.map(({ witness }) => witness)) && head.size >= (newest?.size ?? -1))
        newest = { size: head.size, by };
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      problems.push({ kind: 'checkpoint', message: `${head.name}: ${error.message}` });
    }
  }
  const what = 'cosigned by enough witnesses';
  if (newest === undefined) {
    const message = `no checkpoint was cosigned by enough witnesses of the policy (${policy.rule})`;
    problems.push({ kind: 'unwitnessed', message, index: 0 });
    return { problems, check: { what, by: policy.rule, result: 'fails' } };
  }
  const open = size - newest.size;
  if (open > 0 && !live) {
    const message = `${open === 1 ? 'a record follows' : `${open} records follow`} the last one that enough witnesses of the policy have cosigned (${policy.rule})`;
    problems.push({ kind: 'unwitnessed', message, index: newest.size });
  }
  // Witnesses sign in the order in which they answer. Sorted by name, the report is the same each time.
  const byName = [...newest.by].sort((a, b) => (a.witness.name < b.witness.name ? -1 : 1));
  const names = byName.map(({ witness, time }) => `${witness.name} at ${isoTime(time * 1000)}`);
  const by = `${policy.rule}: ${newest.size} records by ${names.join(', ')}`;
  return { problems, check: { what, by, result: problems.length > 0 ? 'fails' : 'holds' } };
}

/**
 * Verifies the timestamps of a log.
 *
 * @param heads Checkpoints that the log leads to.
 */
export async function vouchedByTime(
  { tokens, certificates }: TimestampOptions,
  heads: readonly Head[],
): Promise<Voucher> {
  const problems: Problem[] = [];
  let newest: { readonly size: number; readonly by: string } | undefined;
  for (const { size, reply } of tokens) {
    const head = heads.find((each) => each.size === size);
    try {
      if (head === undefined) throw new IntegrityError('there is no checkpoint that it could be of');
      const { time, authority } = await verifyTimestamp(reply, parseNote(head.note).text, certificates);
      if (size >= (newest?.size ?? 0))
        newest = { size, by: `${size} records were there by ${isoTime(time.getTime())}, says ${authority}` };
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      problems.push({ kind: 'timestamp', message: `the timestamp at ${size} records: ${error.message}` });
    }
  }
  if (tokens.length === 0) problems.push({ kind: 'timestamp', message: 'no timestamp lies beside the log' });
  const check: Check = {
    what: 'stamped by an authority that knows the time',
    by: newest?.by ?? 'no timestamp that verifies',
    result: problems.length > 0 ? 'fails' : 'holds',
  };
  return { problems, check };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}
