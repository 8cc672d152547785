import { diag, DiagLogLevel } from '@opentelemetry/api';
import { settle } from './heldTimers.js';

/** What the diagnostic log hears of errors while something is done, and in the turn of the event loop after it. */
export async function heard(work: () => unknown): Promise<string[]> {
  const lines: string[] = [];
  const quiet = () => undefined;
  const error = (line: string) => lines.push(line);
  const logger = { error, warn: quiet, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  try {
    await work();
    await settle();
  } finally {
    diag.disable();
  }
  return lines;
}
