import { SinkCounters, SinkMetrics, type ErrorInfo } from '../../lib/pipeline/stats.js';
import { GuardedSink, Gap, type Sink, type SinkResult } from '../../lib/sinks/sink.js';
import { Barrier, Entry, ItemQueue, recordsOf } from '../../lib/pipeline/queue.js';
import { BatchSender, Acknowledger, type BatchSenderOptions } from '../../lib/pipeline/batchSender.js';
import { numbered } from './drafts.js';

/** A record on its way that nobody waits for. */
export const entry = (seq: number, intent = false) => new Entry(numbered(seq), undefined, 0, intent);

/** A place where one record is missing. */
export function gapOf(seq: number): Gap {
  const gap = new Gap();
  gap.add(numbered(seq), 'E_GONE');
  return gap;
}

/** The counters of a sink, and what they reported. */
export function countersOf() {
  const told: ErrorInfo[] = [];
  const metrics = new SinkMetrics(
    'a',
    () => 0,
    () => undefined,
  );
  return { counters: new SinkCounters('a', (_, info) => void told.push(info), metrics), told };
}

/** A sender with its queue, and what it told: each as the worker makes it, only that the worker's own part is written down. */
export function sending(sink: Sink, over: Partial<BatchSenderOptions> = {}) {
  const told: string[] = [];
  const reported: [string, ErrorInfo][] = [];
  const report = (error: Error, info: ErrorInfo) => void reported.push([error.message, info]);
  const none = () => undefined;
  const queue = new ItemQueue();
  const counters = new SinkCounters('a', report, new SinkMetrics('a', () => 0, none));
  const sender: BatchSender = new BatchSender(queue, counters, new Acknowledger(queue, counters, 'written'), {
    sink: new GuardedSink('a', sink),
    maxExportBatchSize: 2,
    keepRefused: false,
    gapRecord: undefined,
    keepAliveMs: 60_000,
    maxRetryAfterMs: 3_600_000,
    report,
    onTaken: (items) => void told.push(`took ${recordsOf(items).map(({ seq }) => seq)}`),
    onSettled: () => (told.push('go on'), sender.pump()),
    onIdle: () => void told.push('idle'),
    ...over,
  });
  const push = (...seqs: number[]) => seqs.forEach((seq) => queue.push(entry(seq)));
  const waiting = () => {
    const state: { settled?: unknown } = {};
    const barrier = new Barrier(
      () => (state.settled = 'flushed'),
      (error) => (state.settled = error.message),
    );
    queue.push(barrier);
    return Object.assign(barrier, { state });
  };
  return { sender, queue, counters, told, reported, push, waiting };
}

/** A sink that answers at once what it is told to, and else takes all. */
export function prompt(...answers: SinkResult[]) {
  const batches: number[][] = [];
  const emit = (batch: readonly { seq: number }[]) => {
    batches.push(batch.map(({ seq }) => seq));
    return answers.shift();
  };
  return { batches, emit };
}
