/** Signals that end a client's server, and that a terminal sends. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Hears the signals that would end this process. Gives what lets them end it again. */
export function onSignals(hear: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of ENDING) process.on(signal, hear);
  return () => {
    for (const signal of ENDING) process.off(signal, hear);
  };
}
