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

/** For commands that nobody put on record. */
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
