import type { CommandIo } from './command.js';

/** The options of every command that shows something of a log. */
export const ACCESS_OPTIONS = {
  'access-log': {
    type: 'boolean',
    help: 'put on record that you read the log: in LOG.access.jsonl beside it, sealed',
  },
  purpose: { type: 'string', value: 'TEXT', help: 'why you read it; stands in the access log' },
} as const;

/** The values of {@link ACCESS_OPTIONS}. */
export interface AccessOptions {
  readonly 'access-log'?: boolean;
  readonly purpose?: string;
}

/** A command line that reads logs. */
export interface ReadingCommand {
  readonly command: string;
  readonly operands: readonly string[];
  /** The parsed options, with those of the access log. */
  readonly options: AccessOptions;
  readonly io: CommandIo;
}

/** A reading that is on record as begun. */
export interface Reading {
  /** Says how many records the command has given out, as far as it knows. */
  showed(records: number): void;
}

/** One whose end can be written down. */
export interface OpenReading extends Reading {
  /** Writes down how it ended; once. */
  end(exitCode: number | 'abandoned'): Promise<void>;
}

/**
 * Puts a reading on record before it begins, where the command line or a log's configuration asks for that. It is handed to
 * the commands, because it brings the file sink with it, which most command lines do without.
 */
export type BeginReading = (command: ReadingCommand) => Promise<OpenReading>;

/** The reading of a command that is not put on record. */
export const UNRECORDED: OpenReading = { showed: () => undefined, end: () => Promise.resolve() };

const ongoing = new Set<OpenReading>();

/** Notes a reading that has begun, for {@link abandonReadings}. */
export function track(reading: OpenReading): OpenReading {
  ongoing.add(reading);
  return reading;
}

/** Writes down that nobody takes what is being read any more. What cannot be written stays on record as begun. */
export async function abandonReadings(): Promise<void> {
  await Promise.allSettled([...ongoing].map((reading) => reading.end('abandoned')));
}
