import type { RefusedError } from '../errors.js';
import type { RunningOperation } from './running.js';

/**
 * Makes a call once every recorder admits it and, in mode `blocking-strict`, its intent is durable. Where nothing has to be
 * waited for, the call is made at once and what it gives is given back as it is; else a promise is.
 */
export function whenAdmitted(running: RunningOperation, go: () => unknown): unknown {
  const refusal = refusalOf(running);
  if (refusal === undefined) return whenIntended(running, go);
  return Promise.resolve(refusal).then((error) =>
    error === undefined ? whenIntended(running, go) : refuse(running, error),
  );
}

/** Why an operation must not be made. A session can always be closed: refusing that would only keep it open. */
export function refusalOf(
  running: RunningOperation,
): RefusedError | Promise<RefusedError | undefined> | undefined {
  if (running.method === 'close') return undefined;
  for (const recorder of running.recorders) {
    const refusal = recorder.admit(running);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function whenIntended(running: RunningOperation, go: () => unknown): unknown {
  const strict = running.recorders.filter((recorder) => recorder.needsIntent);
  if (strict.length === 0) return go();
  return Promise.all(strict.map((recorder) => recorder.intent(running))).then(go, (refusal: unknown) =>
    refuse(running, refusal),
  );
}

/** Nothing was sent: the refusal is on record where that is possible, and the caller learns of it. */
export function refuse(running: RunningOperation, refusal: unknown): never {
  running.fail(refusal);
  running.complete()?.catch(ignore);
  throw refusal;
}

/** Failures of delivery that no caller waits for have been reported by the recorder's own `onError`. */
export function ignore(): void {
  return;
}
