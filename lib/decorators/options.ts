import { EVENT_TYPES, OUTCOMES } from '../schema/tables.js';
import type { ActorType, EventType, Outcome, Sensitivity, Severity } from '../schema/record.js';
import { checkOptions, reject, requireText } from '../internal/options.js';

/** A call of audited code, when it is over. */
export interface AuditedCall<Args extends readonly unknown[], Result> {
  /** What the method was called with. */
  readonly args: Args;
  /** Its result: the value of its promise, or the return value of its generator; undefined where it failed. */
  readonly result: Result | undefined;
  /** What it threw or rejected with. */
  readonly error?: unknown;
}

/**
 * What goes on record of a method or function of yours. Functions among the options get the arguments; annotate their parameters, and
 * the compiler checks that they fit the method. A function that throws does not break the method.
 *
 * @see docs/decorators.md
 */
export interface AuditedOptions<Args extends readonly unknown[] = readonly unknown[], Result = unknown> {
  /** An event type of the compliance log schema, e.g. `EVENT_MODEL_INFERENCE`. */
  readonly eventType: EventType;
  /** What is acted upon, e.g. `models/sonnet`, or a function of the arguments, asked before the method runs. */
  readonly resource: string | ((...args: Args) => string);
  /** The name of the span; the default message has it too. @defaultValue the method's name */
  readonly name?: string;
  /** One plain sentence, without values of arguments and without a full stop. @defaultValue `Ran {name}` */
  readonly message?: string;
  /** How sensitive the record is, by its name in the schema. @defaultValue the log's `defaultSensitivity` */
  readonly sensitivity?: Sensitivity;
  /** How severe the record is, by its name in the schema. @defaultValue follows from the outcome */
  readonly severity?: Severity;
  /** Tags beside those of the log. @defaultValue none */
  readonly policyTags?: readonly string[];
  /** What kind of party acts. @defaultValue what the log's `actorId` says, else its `actorType` */
  readonly actorType?: ActorType;
  /** What part of your system acts. @defaultValue the log's */
  readonly component?: string;
  /**
   * Further detail for the record, redacted like arguments: a value, or a function that is called when the call is over.
   * @defaultValue none
   */
  readonly data?: Readonly<Record<string, unknown>> | ((call: AuditedCall<Args, Result>) => unknown);
  /**
   * Judges a call that has returned, e.g. a guardrail whose verdict is a value: `({ result }) => result.allowed ? undefined :
   * 'OUTCOME_FAILURE_DENIED'`. Not asked where the call threw.
   * @defaultValue `OUTCOME_SUCCESS`, also where the function gives undefined
   */
  readonly outcome?: (call: AuditedCall<Args, Result>) => Outcome | undefined;
}

/**
 * Checks the options of one decorator.
 *
 * @throws ConfigError naming the first one that cannot work.
 */
export function checkAudited(given: AuditedOptions<never, never>): void {
  const { eventType, resource, data } = checkOptions('AuditedOptions', 'audited', given);
  if (typeof eventType !== 'string' || !Object.hasOwn(EVENT_TYPES, eventType))
    reject('audited.eventType', eventType, `one of ${Object.keys(EVENT_TYPES).join(', ')}`);
  if (typeof resource !== 'function')
    requireText('audited.resource', resource, 'a non-empty string or a function of the arguments');
  if (data !== undefined && typeof data !== 'function' && (typeof data !== 'object' || data === null))
    reject('audited.data', data, 'an object or a function of the call');
}

/** Whether a value is the name of an outcome. */
export function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'string' && Object.hasOwn(OUTCOMES, value);
}
