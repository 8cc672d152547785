import { ignore, refusalOf, refuse, whenAdmitted } from '../capture/admission.js';
import { settle } from '../capture/call.js';
import { within } from '../capture/scope.js';
import type { RefusedError } from '../errors.js';
import { CustomOperation, type AnyOptions } from './operation.js';
import { iterate, iterateAsync } from './iterate.js';

/** Any function, whose `this` is handed through. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** The function that stands in for an audited one: same name, same length, same kind of result. */
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

/** Which kind of function it is says what may be waited for: only the language's own async functions surely give a promise. */
function runner(original: AnyFunction): Runner {
  const kind = Object.prototype.toString.call(original);
  if (kind === '[object GeneratorFunction]') return runGenerator;
  if (kind === '[object AsyncGeneratorFunction]') return runAsyncGenerator;
  return kind === '[object AsyncFunction]' ? runAsync : runSync;
}

const runAsync: Runner = (start, call) => {
  const running = start();
  return whenAdmitted(running, () => settle(running, () => within(running.context, call)));
};

/** A function that must answer at once can wait neither for an intent nor for its record. */
const runSync: Runner = (start, call) => {
  const running = start();
  const refusal = refusalOf(running) as RefusedError | undefined;
  if (refusal !== undefined) refuse(running, refusal);
  return settle(running, () => within(running.context, call));
};

const runGenerator: Runner = (start, call) => iterate(start, opened(start, call) as Generator);

const runAsyncGenerator: Runner = (start, call) => iterateAsync(start, opened(start, call) as AsyncGenerator);

/** Calling a generator runs only the defaults of its parameters; if those throw, that is the whole operation. */
function opened(start: () => CustomOperation, call: () => unknown): unknown {
  try {
    return call();
  } catch (reason) {
    const running = start();
    running.fail(reason);
    running.complete()?.catch(ignore);
    throw reason;
  }
}
