import { diag, SpanKind } from '@opentelemetry/api';
import { Connection } from '../capture/connection.js';
import { RunningOperation } from '../capture/running.js';
import { currentSource, defaultSource } from '../capture/source.js';
import type { CustomFacts } from '../processor/detail.js';
import { judgeError, type Judgement } from '../processor/outcome.js';
import { idleRecorders } from '../processor/provided.js';
import { claimingRecorders, liveRecorders } from '../processor/recorder.js';
import { tellUnaudited } from '../internal/say.js';
import { shared } from '../internal/shared.js';
import { isOutcome, type AuditedCall, type AuditedOptions } from './options.js';

/** Options whose types no longer matter: what they are given is what the method is given. */
export type AnyOptions = AuditedOptions<readonly unknown[], unknown>;

/** User code talks to no server: all of it in a process is one session. */
const nowhere = shared('process-connection', () => new Connection({}, undefined));

/** Stands in the record for what a `data` function did not give. */
const DATA_FAILED = '[data function failed]';

/** One call of audited user code under way. */
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
    // An intent is written before there is anything to describe.
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
 * The log of every processor that takes part; where none does, those of processors that no provider has, since audited code
 * needs no provider; where there is no processor, the logs of clients that `withLogging` wrapped. Silence would lose records.
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

/** Runs a function of the user's options: a bug in it is reported, and is no reason to fail what it describes. */
function guarded<T>(option: string, run: () => T, otherwise: T): T {
  try {
    return run();
  } catch {
    diag.warn(`otel-mcp-log: the ${option} function of an audited method threw`);
    return otherwise;
  }
}
