import { writeSync } from 'node:fs';
import { PACKAGE_NAME } from '../version.js';
import { shared } from './shared.js';
import { diag } from '@opentelemetry/api';
import { printable } from './text.js';

/** What this process has been told. */
const told = shared('told', () => ({ lines: new Set<string>() }));

/**
 * Writes a line to stderr, once in this process.
 *
 * @returns whether it was the first time.
 */
export function sayOnce(line: string): boolean {
  if (told.lines.has(line)) return false;
  told.lines.add(line);
  say(line);
  return true;
}

/**
 * Writes a line to stderr past the stream, which may be closed or may never be flushed while the process ends: there, a failed
 * write would raise an error event in the application.
 */
export function say(message: string): void {
  try {
    writeSync(2, `${PACKAGE_NAME}: ${message}\n`);
  } catch {
    // stderr is closed or full: no other way is left.
  }
}

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
