import { writeSync } from 'node:fs';
import { diag } from '@opentelemetry/api';
import { printable } from '../codecs/text.js';
import { shared } from '../shared.js';
import { PACKAGE_NAME } from '../version.js';

/** What this process has been told. */
const told = shared('unaudited', () => ({ lines: new Set<string>() }));

/**
 * Says that something cannot be audited: once each, on stderr and to `diag`. No variable silences it, since an application
 * that goes on unaudited looks like one whose clients did nothing.
 *
 * @param what it is, why it cannot be audited, and what to do.
 */
export function tellUnaudited(what: string): void {
  const line = `${PACKAGE_NAME}: NOT AUDITED: ${printable(what)}`;
  if (told.lines.has(line)) return;
  told.lines.add(line);
  diag.warn(line);
  try {
    // Past the stream: where nobody reads stderr any more, a failed write must not raise an error event in the application.
    writeSync(2, `${line}\n`);
  } catch {
    // Nobody is there to be told.
  }
}
