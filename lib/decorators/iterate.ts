import { ignore, refusalOf, refuse, whenAdmitted } from '../capture/admission.js';
import { afterDelivery } from '../capture/call.js';
import { within } from '../capture/scope.js';
import type { CustomOperation } from './operation.js';

type Step = 'next' | 'return' | 'throw';
type Start = () => CustomOperation;

/** A generator that is dropped without `return()` is collected in silence; its record is written then. */
const dropped = new FinalizationRegistry<CustomOperation>((running) => {
  running.abandon();
  running.complete()?.catch(ignore);
});

/**
 * A generator whose whole iteration is one operation: begun by the first `next()`, since a body that is never entered does
 * nothing, and ended when the body ends or the reader stops.
 */
export function iterate(start: Start, inner: Generator): Generator {
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
        operation.complete()?.catch(ignore);
      }
      return result;
    } catch (reason) {
      operation.fail(reason);
      operation.complete()?.catch(ignore);
      throw reason;
    }
  };
  const outer = standIn(inner, step);
  return outer;
}

/** The same for an async generator; its last step waits for the record, as a promise of an async method does. */
export function iterateAsync(start: Start, inner: AsyncGenerator): AsyncGenerator {
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
    // Steps that were asked for while the first one waits keep their order: they wait for the same promise.
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

/** Inherits everything from the generator that it stands in for, so that it is one of the same function. */
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
