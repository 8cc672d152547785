import type { AuditRecord, Outcome, Sensitivity } from '../schema/record.js';
import {
  OUTCOMES,
  OUTCOMES_0_2,
  OUTCOME_TO_0_2,
  SENSITIVITIES,
  SENSITIVITIES_0_2,
  SENSITIVITY_TO_0_2,
} from '../schema/tables.js';

/**
 * Whose names an encoding uses: `documented` is the published schema reference, `0.2` the schema package of that version.
 * Event types are chosen where the record is made; an encoder renames outcomes and sensitivities only.
 */
export type Profile = 'documented' | '0.2';

/**
 * Which names records have.
 *
 * @see docs/options.md
 */
export interface ProfileOptions {
  /**
   * Names of event types, outcomes and sensitivities: those of the published schema reference, or of schema package 0.2.
   * @defaultValue `documented`
   * @variable OTEL_MCP_LOG_PROFILE
   */
  readonly profile?: Profile;
}

/** A record with the outcome and sensitivity names of a profile: what stands on the wire. */
export type WireRecord = Omit<AuditRecord, 'outcome' | 'sensitivity'> & {
  outcome: string;
  sensitivity: string;
};

/** Each table, completed: a name that keeps its name, and the zero of one profile for the zero of the other. */
const outcomes = renaming(OUTCOMES, OUTCOMES_0_2, OUTCOME_TO_0_2);
const sensitivities = renaming(SENSITIVITIES, SENSITIVITIES_0_2, SENSITIVITY_TO_0_2);

/** The record as a profile names it. */
export function toProfile(record: AuditRecord, profile: Profile): WireRecord {
  if (profile === 'documented') return record;
  return {
    ...record,
    outcome: outcomes.there.get(record.outcome) ?? record.outcome,
    sensitivity: sensitivities.there.get(record.sensitivity) ?? record.sensitivity,
  };
}

/** The inverse of {@link toProfile}. */
export function fromProfile(record: WireRecord, profile: Profile): AuditRecord {
  const documented = profile === 'documented';
  return {
    ...record,
    outcome: ((!documented && outcomes.back.get(record.outcome)) || record.outcome) as Outcome,
    sensitivity: ((!documented && sensitivities.back.get(record.sensitivity)) ||
      record.sensitivity) as Sensitivity,
  };
}

function renaming(
  from: Readonly<Record<string, number>>,
  to: Readonly<Record<string, number>>,
  renamed: Readonly<Record<string, string>>,
): { there: ReadonlyMap<string, string>; back: ReadonlyMap<string, string> } {
  const zero = Object.keys(to).find((name) => to[name] === 0);
  const pairs = Object.entries(from).map(
    ([name, value]) => [name, renamed[name] ?? (value === 0 && zero ? zero : name)] as const,
  );
  return { there: new Map(pairs), back: new Map(pairs.map(([name, other]) => [other, name])) };
}
