import type { RunningOperation } from './running.js';

/**
 * Makes a call once, in mode `blocking-strict`, its intent is durable. Where nothing has to be waited for, the call is made at
 * once and what it gives is given back as it is; else a promise is.
 */
export function whenAdmitted(running: RunningOperation, go: () => unknown): unknown {
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
