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
 * The names that an encoding uses: `documented` for those of the published schema reference, `0.2` for those of schema package
 * 0.2. Event types are chosen where the record is made; encoders rename only outcomes and sensitivities.
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

/**
 * Which names an encoding has.
 *
 * @see docs/sinks.md
 */
export interface EncodingProfileOptions {
  /**
   * Names of outcomes and sensitivities, and in protobuf their numbers. Each record says which profile it is of, so there is nothing to
   * say here; a profile that is not that of the log is a `ConfigError`.
   * @defaultValue that of the log
   */
  readonly profile?: Profile;
}

/** The profile that a record is of, by its own word. */
export function profileOf({
  metadata,
}: {
  readonly metadata?: { readonly schema_version?: unknown };
}): Profile {
  const version = metadata?.schema_version;
  return typeof version === 'string' && (version === '0.2' || version.startsWith('0.2.'))
    ? '0.2'
    : 'documented';
}

/** A record as it is encoded, with the outcome and sensitivity names of a profile. */
export type WireRecord = Omit<AuditRecord, 'outcome' | 'sensitivity'> & {
  outcome: string;
  sensitivity: string;
};

/** The schema's tables of renamed values, completed by those that keep their name, and by the zero values of the two profiles. */
const outcomes = renaming(OUTCOMES, OUTCOMES_0_2, OUTCOME_TO_0_2);
const sensitivities = renaming(SENSITIVITIES, SENSITIVITIES_0_2, SENSITIVITY_TO_0_2);

/** The record with the names of a profile: its own, unless another one is asked for. */
export function toProfile(record: AuditRecord, profile: Profile = profileOf(record)): WireRecord {
  if (profile === 'documented') return record;
  return {
    ...record,
    outcome: outcomes.there.get(record.outcome) ?? record.outcome,
    sensitivity: sensitivities.there.get(record.sensitivity) ?? record.sensitivity,
  };
}

/** The inverse of {@link toProfile}. */
export function fromProfile(record: WireRecord, profile: Profile = profileOf(record)): AuditRecord {
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
