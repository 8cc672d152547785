/** What is to be done before a process ends. */
export interface Closing {
  /** Delivers what is under way. */
  flush(): Promise<unknown>;
  /** Delivers what is under way and takes no more. */
  close(): Promise<unknown>;
}

/** The signals that end a process unless it says otherwise. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How long a signal is held back at most, in milliseconds: Kubernetes and systemd kill after 30 and 90 seconds. */
const DEADLINE_MS = 5_000;

/**
 * Flushes and closes before the process ends, without a change in how it ends: a signal still kills it, with the same
 * status, and an application's own signal handlers decide as if we were not there.
 */
export function closeAtExit(closing: Closing): void {
  // The application may have work of its own at `beforeExit`, and that may be audited: the first time only flushes.
  process.once('beforeExit', () => {
    process.once('beforeExit', () => void closing.close().catch(ignore));
    void closing.flush().catch(ignore);
    // Without pending work there would be no second time.
    setImmediate(ignore);
  });
  for (const signal of SIGNALS) process.prependListener(signal, onSignal(signal, closing));
}

function onSignal(signal: NodeJS.Signals, { flush, close }: Closing): () => void {
  const listener = (): void => {
    // Libraries like signal-exit count the listeners to see whether somebody else decides; we do not.
    process.off(signal, listener);
    if (process.listenerCount(signal) > 0) {
      void flush()
        .catch(ignore)
        .then(() => process.prependListener(signal, listener));
      return;
    }
    void Promise.race([close().catch(ignore), deadline()]).then(() => process.kill(process.pid, signal));
  };
  return listener;
}

function deadline(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, DEADLINE_MS));
}

/** What could not be delivered has been reported where failures are. */
function ignore(): void {
  return;
}
