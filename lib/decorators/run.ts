import { diag, SpanKind } from '@opentelemetry/api';
import { afterDelivery, refusalOf, refuse, settle, whenAdmitted } from '../capture/call.js';
import { Connection } from '../capture/connection.js';
import { RunningOperation } from '../capture/operation.js';
import { within } from '../capture/context.js';
import { currentSource, defaultSource } from '../capture/source.js';
import type { RefusedError } from '../errors.js';
import { tellUnaudited } from '../internal/stderr.js';
import { shared } from '../internal/shared.js';
import type { CustomFacts } from '../processor/operation.js';
import { judgeError, type Judgement } from '../processor/outcome.js';
import { claimingRecorders, idleRecorders, liveRecorders } from '../processor/recorders.js';
import { isOutcome, type AuditedCall, type AuditedOptions } from './options.js';

/** Any function, with any `this`. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** The audited form of a function: with its name, its length and its kind of result. */
export function wrap(original: AnyFunction, options: AnyOptions, methodName: string): AnyFunction {
  const name = options.name ?? methodName;
  const run = runner(original);
  const wrapper: AnyFunction = function (...args) {
    const call = () => Reflect.apply(original, this, args);
    return run(() => new CustomOperation(options, name, args), call);
  };
  for (const key of ['name', 'length'] as const)
    Object.defineProperty(wrapper, key, { value: original[key], configurable: true });
  return wrapper;
}

type Runner = (start: () => CustomOperation, call: () => unknown) => unknown;

/** The runner for a kind of function. Only functions that are declared `async` certainly return a promise that may wait. */
function runner(original: AnyFunction): Runner {
  const kind = Object.prototype.toString.call(original);
  if (kind === '[object GeneratorFunction]') return runGenerator;
  if (kind === '[object AsyncGeneratorFunction]') return runAsyncGenerator;
  return kind === '[object AsyncFunction]' ? runAsync : runSync;
}

const runAsync: Runner = (start, call) => {
  const running = start();
  return whenAdmitted(running, () => enter(running, call));
};

/** A synchronous function waits neither for its intent nor for its record. */
const runSync: Runner = (start, call) => {
  const running = start();
  const refusal = refusalOf(running) as RefusedError | undefined;
  if (refusal !== undefined) refuse(running, refusal);
  return enter(running, call);
};

/** Awaits promises alone, and passes on everything else: the `then` of a query builder runs the query. */
function enter(running: CustomOperation, call: () => unknown): unknown {
  return settle(
    running,
    () => within(running.context, call),
    (value): value is Promise<unknown> => value instanceof Promise,
  );
}

const runGenerator: Runner = (start, call) => iterate(start, opened(start, call) as Generator);

const runAsyncGenerator: Runner = (start, call) => iterateAsync(start, opened(start, call) as AsyncGenerator);

/** Makes the generator. This runs only the defaults of its parameters; where they throw, the operation is over. */
function opened(start: () => CustomOperation, call: () => unknown): unknown {
  try {
    return call();
  } catch (reason) {
    const running = start();
    running.fail(reason);
    running.completeInBackground();
    throw reason;
  }
}

/** Options of any method. */
export type AnyOptions = AuditedOptions<readonly unknown[], unknown>;

/** The connection of user code, which has no server: all user code of a process is one session. */
const nowhere = shared('process-connection', () => new Connection({}, undefined));

/** The data of a record whose `data` function threw. */
const DATA_FAILED = '[data function failed]';

/** One call of audited user code. */
class CustomOperation extends RunningOperation {
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

type Step = 'next' | 'return' | 'throw';
type Start = () => CustomOperation;

/** Writes the record of a generator that is dropped without `return()`, when it is collected. */
const dropped = new FinalizationRegistry<CustomOperation>((running) => {
  running.abandon();
  running.completeInBackground();
});

/**
 * A generator whose iteration is one operation. It begins with the first `next()`, which enters the body, and ends when the body ends
 * or the reader stops.
 */
function iterate(start: Start, inner: Generator): Generator {
  let running: CustomOperation | undefined;
  const step = (kind: Step, args: unknown[]): IteratorResult<unknown> => {
    const advance = () => Reflect.apply(inner[kind], inner, args) as IteratorResult<unknown>;
    if (running === undefined) {
      if (kind !== 'next') return advance();
      running = begin(start, outer);
      const refusal = refusalOf(running);
      if (refusal !== undefined) refuse(running, refusal);
    }
    const operation = running;
    try {
      const result = within(operation.context, advance);
      if (result.done === true) {
        end(operation, kind, result.value);
        operation.completeInBackground();
      }
      return result;
    } catch (reason) {
      operation.fail(reason);
      operation.completeInBackground();
      throw reason;
    }
  };
  const outer = standIn(inner, step);
  return outer;
}

/** The same for an async generator. Its last step waits for the record, as an async method does. */
function iterateAsync(start: Start, inner: AsyncGenerator): AsyncGenerator {
  let running: CustomOperation | undefined;
  let admitted: unknown;
  const step = async (kind: Step, args: unknown[]): Promise<unknown> => {
    const advance = () => Reflect.apply(inner[kind], inner, args) as Promise<IteratorResult<unknown>>;
    if (running === undefined) {
      if (kind !== 'next') return advance();
      running = begin(start, outer);
      admitted = whenAdmitted(running, () => undefined);
    }
    const operation = running;
    // Steps that are requested while the first one waits keep their order, because they wait for the same promise.
    if (admitted instanceof Promise) await admitted;
    let result: IteratorResult<unknown>;
    try {
      result = await within(operation.context, advance);
    } catch (reason) {
      operation.fail(reason);
      return afterDelivery(operation, { status: 'rejected', reason }, () => {
        throw reason;
      });
    }
    if (result.done !== true) return result;
    end(operation, kind, result.value);
    return afterDelivery(operation, { status: 'fulfilled', value: result.value }, () => result);
  };
  const outer = standIn(inner, step);
  return outer;
}

function begin(start: Start, outer: object): CustomOperation {
  const running = start();
  dropped.register(outer, running);
  return running;
}

function end(running: CustomOperation, kind: Step, value: unknown): void {
  if (kind === 'return') running.abandon();
  else running.succeed(value);
}

/** Inherits from the generator, so that it counts as one of the same function. */
function standIn<T extends Generator | AsyncGenerator>(
  inner: T,
  step: (kind: Step, args: unknown[]) => unknown,
): T {
  const steps = (['next', 'return', 'throw'] as const).map((kind) => [
    kind,
    { value: (...args: unknown[]) => step(kind, args), configurable: true, writable: true },
  ]);
  return Object.create(inner, Object.fromEntries(steps) as PropertyDescriptorMap) as T;
}
