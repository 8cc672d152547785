/**
 * The longest delay that a timer of Node's takes, in milliseconds (24.8 days). A longer one is not refused but becomes one
 * millisecond, so that waiting turns into a hot loop.
 */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * A duration that others gave (a header, a token, a sink's answer, a difference of two clocks), as whole milliseconds that a
 * timer takes. What is too long becomes {@link MAX_DELAY_MS}; what is negative, 0; what is no number at all, `fallback`.
 */
export function delayMs(given: unknown, fallback = 0): number {
  if (typeof given !== 'number' || Number.isNaN(given)) return fallback;
  return Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil(given)));
}

/** Calls `run` once, after so many milliseconds: `setTimeout`, but for its overflow. The only one in this package. */
export function after(milliseconds: number, run: () => void): NodeJS.Timeout {
  return setTimeout(run, delayMs(milliseconds));
}

/** Calls `run` again and again, each time after so many milliseconds, one at least: a shorter pause would be a hot loop. */
export function every(milliseconds: number, run: () => void): NodeJS.Timeout {
  return setInterval(run, Math.max(1, delayMs(milliseconds)));
}

/** Resolves after so many milliseconds, or when the signal aborts; keeps the process alive for as long. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = after(milliseconds, done);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    if (signal?.aborted === true) done();
    else signal?.addEventListener('abort', done);
  });
}

/** A signal that aborts after so many milliseconds, with a `TimeoutError`; at the earliest after one. */
export function deadlineSignal(milliseconds: number): AbortSignal {
  return AbortSignal.timeout(Math.max(1, delayMs(milliseconds)));
}
