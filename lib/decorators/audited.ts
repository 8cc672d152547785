import { afterDelivery, refusalOf, refuse, settle, whenAdmitted } from '../capture/call.js';
import { within } from '../capture/tracing.js';
import { ConfigError, type RefusedError } from '../errors.js';
import { reject } from '../internal/options.js';
import { checkAudited, CustomOperation, type AnyOptions, type AuditedOptions } from './customOperation.js';

export type { AuditedCall, AuditedOptions } from './customOperation.js';

/** The final value of a method: that of its promise, or the return value of its generator. */
type Outcome<Returned> =
  Returned extends Generator<unknown, infer Value, never>
    ? Value
    : Returned extends AsyncGenerator<unknown, infer Value, never>
      ? Value
      : Awaited<Returned>;

/** A method whose arguments fit the functions among the options; any method, where no function reads the arguments. */
type Fitting<Args extends readonly unknown[], Result> = (
  this: never,
  ...args: readonly unknown[] extends Args ? never : [...Args, ...never[]]
) => Result | Promise<Result> | Generator<unknown, Result, never> | AsyncGenerator<unknown, Result, never>;

/**
 * Puts the calls of a method on record: a standard (TC39) decorator for methods, static and private ones too, that return a
 * value, a promise, a generator or an async generator. Each call is a span of kind INTERNAL in the caller's trace and one
 * record; MCP calls inside are its children. Records go to every `AuditSpanProcessor`, or without one to the logs of wrapped clients.
 *
 * Async methods and async generators wait for their record as client calls do, and reject with `SinkError` (which carries
 * the method's own outcome) where it cannot be written. A synchronous method cannot wait: its record is written in the background, and
 * a failure goes to `onError`.
 *
 * @throws ConfigError when an option cannot work, and where `experimentalDecorators` makes it a legacy decorator.
 *
 * @example
 * ```ts
 * class Assistant {
 *   @audited({
 *     eventType: 'EVENT_MODEL_INFERENCE',
 *     resource: (model: string) => `models/${model}`,
 *     sensitivity: 'SENSITIVITY_CONFIDENTIAL',
 *     data: ({ result }: AuditedCall<[string], Completion>) => ({ tokens: result?.usage.total }),
 *   })
 *   async complete(model: string, prompt: string): Promise<Completion> { … }
 * }
 * ```
 */
export function audited<Args extends readonly unknown[] = readonly unknown[], Result = unknown>(
  options: AuditedOptions<Args, Result>,
): <Method extends Fitting<Args, Result>>(method: Method, context: ClassMethodDecoratorContext) => Method {
  checkAudited(options);
  return (method, context) => {
    requireStandard(method, context);
    const wrapped = wrap(
      method as unknown as AnyFunction,
      options as unknown as AnyOptions,
      String(context.name),
    );
    return wrapped as unknown as typeof method;
  };
}

/**
 * The same for a function: returns a function of the same type whose calls are on record.
 *
 * @typeParam Wrapped - the type of the function.
 * @throws ConfigError when an option cannot work, or when the second argument is no function.
 *
 * @example
 * ```ts
 * const delegate = audit(
 *   { eventType: 'EVENT_DELEGATION', resource: (task) => `agents/${task.agent}` },
 *   async (task: Task) => send(task),
 * );
 * ```
 */
export function audit<Wrapped extends (...args: never[]) => unknown>(
  options: AuditedOptions<Parameters<Wrapped>, Outcome<ReturnType<Wrapped>>>,
  fn: Wrapped,
): Wrapped {
  checkAudited(options);
  if (typeof fn !== 'function') reject('audit', fn, 'a function as the second argument');
  const name = fn.name === '' ? 'function' : fn.name;
  return wrap(fn as unknown as AnyFunction, options as unknown as AnyOptions, name) as unknown as Wrapped;
}

/** Refuses a legacy decorator: with `experimentalDecorators` a compiler passes a class and a key, and nothing would be recorded. */
function requireStandard(method: unknown, context: ClassMethodDecoratorContext | undefined): void {
  if (typeof context !== 'object' || context === null || typeof context.kind !== 'string') {
    throw new ConfigError(
      'audited',
      'called as a legacy decorator; remove experimentalDecorators from the compiler options, or use audit(options, fn)',
    );
  }
  if (context.kind !== 'method' || typeof method !== 'function')
    throw new ConfigError('audited', `decorates a ${context.kind}; only methods can be audited`);
}

/** Any function, with any `this`. */
type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** The audited form of a function: with its name, its length and its kind of result. */
function wrap(original: AnyFunction, options: AnyOptions, methodName: string): AnyFunction {
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
