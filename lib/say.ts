import { writeSync } from 'node:fs';
import { diag } from '@opentelemetry/api';
import { shared } from './shared.js';
import { PACKAGE_NAME } from './version.js';

const said = shared('said', () => new Set<string>());

/**
 * Tells the operator of what is not audited: on stderr, since an application that knows nothing of OpenTelemetry reads no
 * diagnostic log, and to that log. Once per process and key.
 */
export function sayOnce(key: string, message: string): void {
  if (said.has(key)) return;
  said.add(key);
  diag.warn(`${PACKAGE_NAME}: ${message}`);
  say(message);
}

/** Writes a line to stderr past the stream, which may be closed or may never be flushed while the process ends. */
export function say(message: string): void {
  try {
    writeSync(2, `${PACKAGE_NAME}: ${message}\n`);
  } catch {
    // stderr is closed or full: there is nobody left to tell.
  }
}
