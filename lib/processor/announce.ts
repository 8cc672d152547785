import { writeSync } from 'node:fs';
import type { ResolvedOptions } from '../config.js';
import { printable } from '../internal/text.js';
import { shared } from '../internal/shared.js';
import { sinkName } from '../sinks/emit.js';
import type { Sink } from '../sinks/sink.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';

/** Leaves the line out; a variable and no option, so that whoever runs an application decides, not who wrote it. */
const QUIET = 'OTEL_MCP_LOG_QUIET';

/** What this process has been told. */
const told = shared('announced', () => ({ destination: false }));

/** Says where records go: one line on stderr, once per process, for whoever wonders where the log is. */
export function announce({ settings, pipeline }: ResolvedOptions): void {
  if (told.destination || /^(?:1|true)$/i.test(process.env[QUIET]?.trim() ?? '')) return;
  told.destination = true;
  const places = pipeline.sinks.map((entry) => placeOf('emit' in entry ? entry : entry.sink));
  const line = `${PACKAGE_NAME} ${PACKAGE_VERSION}: auditing MCP clients, environment ${settings.environment}, to ${places.join(', ')}`;
  try {
    // Past the stream: where nobody reads stderr any more, a failed write must not raise an error event in the application.
    writeSync(2, `${printable(line)} (${QUIET}=1 hides this line)\n`);
  } catch {
    // Nobody is there to be told.
  }
}

function placeOf(sink: Sink): string {
  return [sinkName(sink), sink.destination].filter((part) => part !== undefined && part !== '').join(' ');
}
