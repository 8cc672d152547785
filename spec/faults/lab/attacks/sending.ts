import { type Findings } from '../attack.js';
import { Inbox, type Reply } from '../inbox.js';
import type { Run, Scene } from '../scene.js';
import { write, type WriterPlan } from './writing.js';

/** Waits that a test can afford. */
const FAST = { maxAttempts: 5, initialDelayMs: 1, maxDelayMs: 5 };
/** How many records go in one request. */
export const BATCHES = { 'one by one': {}, 'in batches': { batch: { maxRecords: 4 } } } as const;
/** Their names. */
export const FRAMINGS = Object.keys(BATCHES) as (keyof typeof BATCHES)[];

/** Writes to a receiver alone. */
export function send(scene: Scene, endpoint: string, http: object, plan: WriterPlan = {}): Promise<Run> {
  const options = { endpoint, retry: FAST, deadLetterFile: scene.path('dead.jsonl'), ...http };
  return write(scene, { sinks: [{ kind: 'http', options }], count: 8, ...plan });
}

/** Has a receiver for the time of a try. */
export async function receiving(
  reply: (nth: number) => Reply,
  work: (inbox: Inbox) => Promise<Findings>,
  tls?: Parameters<typeof Inbox.open>[1],
): Promise<Findings> {
  const inbox = await Inbox.open(reply, tls);
  try {
    return await work(inbox);
  } finally {
    await inbox.close();
  }
}
