/** One second of a soaking process. */
export interface Sample {
  readonly second: number;
  readonly heapUsed: number;
  readonly rss: number;
  readonly external: number;
  readonly handles: number;
  readonly descriptors: number;
  readonly records: number;
  readonly backlog: number;
}

/** What must not grow, with how much more of it may be there late than early: garbage collection and sockets come and go. */
const BOUNDS = [
  { name: 'heapUsed', factor: 1.1, slack: 6_000_000 },
  { name: 'rss', factor: 1.25, slack: 40_000_000 },
  { name: 'external', factor: 1.25, slack: 10_000_000 },
  { name: 'handles', factor: 1, slack: 20 },
  { name: 'descriptors', factor: 1, slack: 20 },
] as const satisfies readonly { name: keyof Sample; factor: number; slack: number }[];

/** What has grown: the last quarter of the samples against the second, as the first is spent with warming up. */
export function growthIn(samples: readonly Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  if (quarter < 5)
    throw new Error(`${samples.length} samples are too few to tell growth from noise; 20 are needed`);
  return BOUNDS.flatMap(({ name, factor, slack }) => {
    const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)].map((part) =>
      median(part.map((sample) => sample[name])),
    ) as [number, number];
    return late <= early * factor + slack ? [] : [`${name} went from ${early} to ${late}`];
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
