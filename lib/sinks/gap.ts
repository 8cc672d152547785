import type { DraftRecord } from '../schema/record.js';

/** Records that a sink never got, told in the place where they are missing. */
export interface GapInfo {
  /** The sink that lacks them. */
  readonly sink: string;
  /** How many there are. */
  readonly count: number;
  /** The `time` of the first and of the last of them. */
  readonly firstTime: string;
  readonly lastTime: string;
  /** Why, as codes joined by a comma: `queue_full`, `timeout`, `shutdown`, or the code or class of the sink's error. */
  readonly cause: string;
}

/** Makes the record that tells of a gap: who writes it, and in which environment, is the caller's to know. */
export type GapRecordFactory = (gap: GapInfo) => DraftRecord;

/** An error in one word that holds no secret: its code, else its class. */
export function causeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(code)) return code;
  return error.constructor?.name || 'Error';
}
