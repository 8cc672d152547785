import { AuditError } from '../errors.js';
import { decrypt, headerOf, JweError } from './jwe.js';
import type { KeyFolder } from './keyFolder.js';
import { putBack } from './personal.js';

/**
 * What became of values when a record was read with the keys: put back; erased, since the key was destroyed; of a key that this folder
 * does not know; or damaged, where they were changed, or belong to another record.
 */
type ValuesState = 'opened' | 'erased' | 'no_key' | 'damaged';

/** A record with the values put back whose keys are here. */
export interface Opened {
  readonly record: Readonly<Record<string, unknown>>;
  /** What is wrong with values that are damaged. */
  readonly faults: readonly string[];
}

/**
 * Puts encrypted values back into a record. Each entry of `personal` then says what became of it (`state`) in place of the JWE.
 *
 * @throws AuditError when the folder cannot be read.
 */
export function openRecord(record: Readonly<Record<string, unknown>>, keys: KeyFolder): Opened {
  const { personal, record_id: id } = record;
  if (!Array.isArray(personal)) return { record, faults: [] };
  const opened: Record<string, unknown> = { ...record };
  const faults: string[] = [];
  opened['personal'] = personal.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return entry;
    const { jwe, ...rest } = entry as Record<string, unknown>;
    if (typeof jwe !== 'string') return entry;
    const { state, values, time, fault } = openValues(jwe, id, keys);
    if (values !== undefined) putBack(opened, values);
    if (fault !== undefined) faults.push(fault);
    return {
      ...rest,
      state,
      ...(time !== undefined && { erased_at: time }),
      ...(state === 'no_key' && { jwe }),
    };
  });
  return { record: opened, faults };
}

interface OpenedValues {
  readonly state: ValuesState;
  readonly values?: unknown;
  readonly time?: string | undefined;
  readonly fault?: string;
}

function openValues(jwe: string, recordId: unknown, keys: KeyFolder): OpenedValues {
  try {
    const { kid = '', record_id: boundTo } = headerOf(jwe);
    const key = keys.find(kid);
    if (key === undefined) {
      const erasure = keys.erasureOf(kid);
      return erasure === undefined ? { state: 'no_key' } : { state: 'erased', time: erasure.time };
    }
    const values: unknown = JSON.parse(decrypt(jwe, key));
    if (boundTo !== recordId)
      return { state: 'damaged', fault: 'its encrypted values belong to another record' };
    return { state: 'opened', values };
  } catch (error) {
    if (error instanceof AuditError) throw error;
    const reason = error instanceof JweError ? error.message : 'what they hold is no JSON';
    return { state: 'damaged', fault: `its encrypted values are damaged: ${reason}` };
  }
}
