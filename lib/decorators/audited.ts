import { ConfigError } from '../errors.js';
import { reject } from '../internal/options.js';
import { wrap, type AnyFunction, type AnyOptions } from './run.js';
import { checkAudited, type AuditedOptions } from './options.js';

export type { AuditedCall, AuditedOptions } from './options.js';

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
