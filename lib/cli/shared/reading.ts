import type { CommandIo } from './command.js';

/** The options of every command that shows content of a log. */
export const ACCESS_OPTIONS = {
  'access-log': {
    type: 'boolean',
    help: 'record in LOG.access.jsonl, a sealed log beside it, that you read the log',
  },
  purpose: { type: 'string', value: 'TEXT', help: 'why you read it; goes into the access log' },
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

/** A reading whose beginning is recorded. */
export interface Reading {
  /** Takes the number of records that the command has given out so far. */
  showed(records: number): void;
}

/** A reading whose end can be recorded. */
export interface OpenReading extends Reading {
  /** Records how the reading ended. Only the first call counts. */
  end(exitCode: number | 'abandoned'): Promise<void>;
}

/**
 * Records a reading before it begins, where the command line or the configuration of a log asks for it. It is passed to the
 * commands, because it loads the file sink, which most command lines do not need.
 */
export type BeginReading = (command: ReadingCommand) => Promise<OpenReading>;

/** The reading of a command that is not recorded. */
export const UNRECORDED: OpenReading = { showed: () => undefined, end: () => Promise.resolve() };

const ongoing = new Set<OpenReading>();

/** Remembers a reading that has begun, for {@link abandonReadings}. */
export function track(reading: OpenReading): OpenReading {
  ongoing.add(reading);
  return reading;
}

/** Records that the reader of the output has stopped early. A reading whose end cannot be written stays recorded as begun. */
export async function abandonReadings(): Promise<void> {
  await Promise.allSettled([...ongoing].map((reading) => reading.end('abandoned')));
}
