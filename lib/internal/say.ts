import { diag } from '@opentelemetry/api';
import { PACKAGE_NAME } from '../version.js';
import { sayOnce } from './stderr.js';
import { printable } from './text.js';

/**
 * Says that something cannot be audited: once each, on stderr, since an application that knows nothing of OpenTelemetry reads
 * no diagnostic log, and to `diag`. No variable silences it: an application that goes on unaudited looks like one whose clients
 * did nothing.
 *
 * @param what it is, why it cannot be audited, and what to do.
 */
export function tellUnaudited(what: string): void {
  const line = `NOT AUDITED: ${printable(what)}`;
  if (sayOnce(line)) diag.warn(`${PACKAGE_NAME}: ${line}`);
}
