import { peek } from '../internal/peek.js';
import type { Operation } from '../operations/operation.js';
import { operationFor } from '../operations/table.js';
import type { Judgement } from '../processor/outcome.js';
import { afterDelivery, begin, settle, whenAdmitted, type ObservedCall } from './call.js';
import { ignore, standIn, type Method } from './client.js';
import type { Entrance, RunningOperation } from './operation.js';
import { runIn } from './state.js';

/** Requests that a stream makes for the task that its own request has created. */
const TASK_REQUESTS: ReadonlySet<string> = new Set(['tasks/get', 'tasks/result']);

/** A call of one of v1's streaming methods. */
export interface ObservedStream {
  readonly client: object;
  readonly entrance: Entrance;
  readonly method: string;
  readonly params: unknown;
  readonly args: readonly unknown[];
  /** Makes the call itself. */
  proceed(this: void): unknown;
}

/**
 * Makes a whole stream one operation. It begins with the first `next()`, since a generator does nothing before, and ends with the
 * stream's result or error, or when the caller stops reading. The generator that is returned is the SDK's own.
 */
export function observeStream(stream: ObservedStream): unknown {
  const generator = stream.proceed();
  if (isGenerator(generator) && Object.isExtensible(generator)) new Watch(stream, generator).attach();
  return generator;
}

function isGenerator(value: unknown): value is AsyncGenerator<unknown, unknown> {
  return typeof peek(value, 'next') === 'function' && typeof peek(value, 'return') === 'function';
}

class Watch {
  readonly #stream: ObservedStream;
  readonly #operation: Operation;
  readonly #generator: AsyncGenerator<unknown, unknown>;
  readonly #next: AsyncGenerator<unknown, unknown>['next'];
  readonly #end: AsyncGenerator<unknown, unknown>['return'];
  #begun = false;
  #running: RunningOperation | undefined;

  constructor(stream: ObservedStream, generator: AsyncGenerator<unknown, unknown>) {
    this.#stream = stream;
    this.#operation = operationFor(stream.method);
    this.#generator = generator;
    this.#next = generator.next.bind(generator);
    this.#end = generator.return.bind(generator);
  }

  attach(): void {
    const generator = this.#generator;
    const fail = generator.throw.bind(generator);
    const methods: Readonly<Record<'next' | 'return' | 'throw', Method>> = {
      next: (...args) => this.#step(args as [] | [unknown]),
      return: (value) => this.#stop(() => this.#end(value)),
      throw: (reason) => this.#stop(() => fail(reason)),
    };
    for (const name of ['next', 'return', 'throw'] as const) {
      const value = standIn(generator[name] as object, methods[name]);
      Object.defineProperty(generator, name, { value, configurable: true, writable: true });
    }
  }

  #step(args: [] | [unknown]): unknown {
    if (this.#begun) return this.#advance(args);
    this.#begun = true;
    const { client, entrance, params, args: given, proceed } = this.#stream;
    const call = { client, entrance, operation: this.#operation, params, args: given, proceed };
    this.#running = begin(call);
    if (this.#running === undefined) return this.#advance(args);
    this.#running.parts = TASK_REQUESTS;
    return this.#admit(this.#running, args);
  }

  /** Ends the generator of a stream that is refused: its next step would make the request. */
  #admit(running: RunningOperation, args: [] | [unknown]): unknown {
    let isAdmitted = false;
    const first = whenAdmitted(running, () => {
      isAdmitted = true;
      return this.#advance(args);
    });
    if (isAdmitted) return first;
    return Promise.resolve(first).catch(async (reason: unknown) => {
      if (!isAdmitted) await this.#end(undefined);
      throw reason;
    });
  }

  #advance(args: [] | [unknown]): unknown {
    const running = this.#running;
    if (running === undefined || running.ended) return this.#next(...args);
    running.isIdle = false;
    return runIn(running, () => this.#next(...args)).then(
      (step) => this.#judge(running, step),
      (reason: unknown) => {
        running.fail(reason);
        return afterDelivery(running, { status: 'rejected', reason }, () => {
          throw reason;
        });
      },
    );
  }

  /** The SDK's streams end with a message of type `result` or `error`, which the caller gets once its record is safe. */
  #judge(running: RunningOperation, step: IteratorResult<unknown, unknown>): unknown {
    const type = step.done === true ? 'end' : peek(step.value, 'type');
    if (type !== 'result' && type !== 'error' && type !== 'end') {
      running.isIdle = true;
      return step;
    }
    if (type === 'error') running.fail(peek(step.value, 'error'));
    else running.succeed(peek(step.value, 'result'));
    return afterDelivery(running, { status: 'fulfilled', value: step.value }, () => step);
  }

  #stop<T>(stop: () => Promise<T>): unknown {
    const running = this.#running;
    // Before the first step nothing was requested, and there is no operation.
    this.#begun = true;
    if (running === undefined || running.ended) return stop();
    const error = { type: 'abandoned', message: 'the caller stopped reading the stream' };
    running.conclude({ outcome: 'OUTCOME_PARTIAL', error }, undefined, 'nothing');
    const conclude = (outcome: PromiseSettledResult<unknown>, settle: () => unknown) =>
      afterDelivery(running, outcome, settle);
    return runIn(running, stop).then(
      (value) => conclude({ status: 'fulfilled', value }, () => value),
      (reason: unknown) =>
        conclude({ status: 'rejected', reason }, () => {
          throw reason;
        }),
    );
  }
}

/**
 * v2's `listen`: the operation lasts as long as the subscription, and its record says who ended it. A subscription that was never
 * acknowledged fails as any call does. The caller has gone on by the end, and does not wait for the record.
 */
export function observeListen(call: ObservedCall): unknown {
  const running = begin(call);
  if (running === undefined) return call.proceed();
  return whenAdmitted(running, () => {
    const opening = opened(running, call.proceed);
    return opening.then(
      (subscription) => {
        const closed = peek(subscription, 'closed');
        if (!(closed instanceof Promise)) return settle(running, () => opening);
        closed.then((cause: unknown) => end(running, cause), ignore);
        return subscription;
      },
      () => settle(running, () => opening),
    );
  });
}

/** An override in a derived class may return no promise, or throw. */
async function opened(running: RunningOperation, proceed: () => unknown): Promise<unknown> {
  return runIn(running, proceed);
}

/** v2 says `local` for `close()` of the subscription, `graceful` where the server answered, `remote` for all else. */
function end(running: RunningOperation, cause: unknown): void {
  const byClient = cause === 'local' || running.connection.closing;
  running.endedBy = byClient ? 'client' : cause === 'graceful' ? 'server' : 'remote';
  running.finish(running.endedBy === 'remote' ? LOST : { outcome: 'OUTCOME_SUCCESS' }, undefined, 'value');
}

const LOST: Judgement = {
  outcome: 'OUTCOME_FAILURE_ERROR',
  error: { type: 'connection_closed', message: 'the server or the connection broke the subscription off' },
};
