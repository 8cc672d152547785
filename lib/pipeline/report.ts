import { diag } from '@opentelemetry/api';
import type { DraftRecord } from '../schema/record.js';

/** What `onError` is told beside the error. */
export interface ErrorInfo {
  /** The sink concerned; absent when it concerns the pipeline itself. */
  readonly sink?: string;
  /** How many records the sink has lost by it; 0 when they are still being tried, or are only late. */
  readonly lost: number;
  /** The records concerned, lost or late, so that they can be put aside. Redacted, as every record here is. */
  readonly records: readonly DraftRecord[];
}

/** The user's failure callback. What it throws is contained. */
export type ErrorListener = (error: Error, info: ErrorInfo) => void;

/** Tells of a failure: to the user's callback if there is one, else to the diagnostic log. Never throws. */
export type Report = (error: Error, info: ErrorInfo) => void;

/** Guards a user's callback. */
export function guardedReport(onError: ErrorListener | undefined): Report {
  if (onError === undefined) return (error) => diag.error(`audit log: ${error.message}`);
  return (error, info) => {
    try {
      const returned: unknown = onError(error, info);
      if (returned instanceof Promise) returned.catch(complain);
    } catch {
      complain();
    }
  };
}

function complain(): void {
  diag.error('audit log: the onError callback failed');
}
