import { diag, SpanKind } from '@opentelemetry/api';
import { Connection } from '../capture/connection.js';
import { RunningOperation } from '../capture/operation.js';
import { currentSource, defaultSource } from '../capture/tracing.js';
import { checkOptions, reject, requireText } from '../internal/options.js';
import { shared } from '../internal/shared.js';
import { tellUnaudited } from '../internal/stderr.js';
import type { CustomFacts } from '../processor/operation.js';
import { judgeError, type Judgement } from '../processor/outcome.js';
import { claimingRecorders, idleRecorders, liveRecorders } from '../processor/recorders.js';
import type { ActorType, EventType, Outcome, Sensitivity, Severity } from '../schema/record.js';
import { EVENT_TYPES, OUTCOMES } from '../schema/tables.js';

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
function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'string' && Object.hasOwn(OUTCOMES, value);
}

/** Options of any method. */
export type AnyOptions = AuditedOptions<readonly unknown[], unknown>;

/** The connection of user code, which has no server: all user code of a process is one session. */
const nowhere = shared('process-connection', () => new Connection({}, undefined));

/** The data of a record whose `data` function threw. */
const DATA_FAILED = '[data function failed]';

/** One call of audited user code. */
export class CustomOperation extends RunningOperation {
  custom: CustomFacts;
  readonly #options: AnyOptions;
  readonly #args: readonly unknown[];

  constructor(options: AnyOptions, name: string, args: readonly unknown[]) {
    const resource = resourceOf(options, name, args);
    super({
      client: nowhere,
      operation: {
        method: name,
        event: { documented: options.eventType, '0.2': options.eventType },
        subject: () => ({}),
        resource: () => resource,
        summary: () => options.message ?? `Ran ${name}`,
      },
      params: undefined,
      connection: nowhere,
      recorders: () => recordersFor(name),
      source: currentSource() ?? defaultSource,
      kind: SpanKind.INTERNAL,
    });
    this.#options = options;
    this.#args = args;
    // The intent needs them, before the call has a result.
    this.custom = this.#facts();
  }

  override succeed(result: unknown): void {
    if (this.ended) return;
    const call = { args: this.#args, result };
    this.#describe(call);
    this.conclude(this.#judge(call));
  }

  override fail(error: unknown): void {
    if (this.ended) return;
    this.#describe({ args: this.#args, result: undefined, error });
    const aborted = error instanceof Error && error.name === 'AbortError';
    this.conclude(judgeError(error, { aborted }));
  }

  /** The caller stopped reading before the end. */
  abandon(): void {
    if (this.ended) return;
    this.#describe({ args: this.#args, result: undefined });
    this.conclude({ outcome: 'OUTCOME_PARTIAL', error: { type: 'abandoned' } });
  }

  #describe(call: AuditedCall<readonly unknown[], unknown>): void {
    const { data } = this.#options;
    if (data === undefined) return;
    const value = typeof data === 'function' ? guarded('data', () => data(call), DATA_FAILED) : data;
    this.custom = { ...this.custom, data: value };
  }

  #judge(call: AuditedCall<readonly unknown[], unknown>): Judgement {
    const { outcome: judge } = this.#options;
    const outcome = judge && guarded('outcome', () => judge(call), undefined);
    if (!isOutcome(outcome) || outcome === 'OUTCOME_SUCCESS') return { outcome: 'OUTCOME_SUCCESS' };
    return { outcome, error: { type: outcome.toLowerCase().replace(/^outcome_(failure_)?/, '') } };
  }

  #facts(): CustomFacts {
    const { actorType, component, policyTags, sensitivity, severity } = this.#options;
    return { actorType, component, policyTags, sensitivity, severity };
  }
}

/**
 * The recorders of user code: those of processors that record, else of processors without a provider, since user code needs none, else
 * of clients that `withLogging` wrapped. Where there is none, stderr says so.
 */
function recordersFor(name: string): ReturnType<typeof liveRecorders> {
  const candidates = [liveRecorders, idleRecorders, claimingRecorders];
  let recorders: ReturnType<typeof liveRecorders> = [];
  for (const ask of candidates) if (recorders.length === 0) recorders = ask();
  if (recorders.length === 0) {
    tellUnaudited(
      `calls of ${name}: there is no audit log; construct an AuditSpanProcessor, or wrap a client with withLogging`,
    );
  }
  return recorders;
}

function resourceOf({ resource }: AnyOptions, name: string, args: readonly unknown[]): string {
  if (typeof resource === 'string') return resource;
  const value: unknown = guarded('resource', () => resource(...args), undefined);
  return typeof value === 'string' && value !== '' ? value : name;
}

/** Runs a function among the options. A throw goes to `diag` and does not fail the method. */
function guarded<T>(option: string, run: () => T, otherwise: T): T {
  try {
    return run();
  } catch {
    diag.warn(`otel-mcp-log: the ${option} function of an audited method threw`);
    return otherwise;
  }
}
