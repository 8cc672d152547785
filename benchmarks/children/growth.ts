// One point of a question of growth. Arguments: the question, the load, and 'bare' for clients that nobody audits. Prints what a
// record or call cost, and the most memory that the process held.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { instrumentClient } from '../../lib/index.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { peakOf } from '../tools/command.js';
import { cpu, nextTurn, scratch } from '../tools/measure.js';
import { end, endedCall } from '../tools/operations.js';

const BATCH = 500;
/** What is done before anything is measured, so that the code is compiled. */
const WARM_UP = 5_000;
/**
 * After so many calls the event loop turns: a call over the in-memory transport takes microtasks alone, and a log that never gets a
 * turn drops records. A sink gets one batch a turn, so that what is left of many calls at once is flushed.
 */
const A_TURN = 50;
const MOST_WAITING = 5_000;
/** Ten million records would fill a disk. */
const ROTATE = { maxBytes: 100_000_000, keep: 1 };
const [name = '', load, bare] = process.argv.slice(2);
const folder = scratch();
const args = { message: 'the quick brown fox jumps over the lazy dog' };

const logs: AuditSpanProcessor[] = [];
const total = (what: 'queued' | 'dropped' | 'failed'): number =>
  logs.flatMap((log) => log.stats().sinks).reduce((sum, sink) => sum + sink[what], 0);

function audited(sinks = 1): AuditSpanProcessor {
  const processor = new AuditSpanProcessor({
    environment: 'benchmark',
    mode: 'batch',
    // Room for as many calls as are under way at once.
    maxQueueSize: 20_000,
    sinks: Array.from(
      { length: sinks },
      (_, index) =>
        new FileSink({ path: `${folder.path}/${index}.jsonl`, name: `file-${index}`, rotate: ROTATE }),
    ),
  }).enable();
  logs.push(processor);
  return processor;
}

async function records(processor: AuditSpanProcessor, count: number, value: unknown = args): Promise<void> {
  const size = Math.min(BATCH, Math.max(1, Math.floor(5e7 / JSON.stringify(value).length)));
  for (let done = 0; done < count; done += size) {
    const calls = Array.from({ length: Math.min(size, count - done) }, (_, index) => endedCall(value, index));
    const start = cpu();
    for (const call of calls) end(processor, call);
    await processor.forceFlush();
    used += cpu() - start;
  }
}

let used = 0;
/** Runs some work after a warm-up; figures of one record. */
async function figures(unit: string, count: number, warm: () => Promise<void>, work: () => Promise<void>) {
  await warm();
  used = 0;
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  const peak = (peakOf(process.pid) || process.resourceUsage().maxRSS * 1024) / 1024 ** 2;
  return {
    [`CPU µs a ${unit}`]: used / count,
    [`${unit}s a second`]: (count / ms) * 1e3,
    'peak memory, MiB': peak,
  };
}

async function clients(count: number): Promise<Client[]> {
  if (bare !== 'bare') {
    audited();
    instrumentClient(Client);
  }
  return Promise.all(
    Array.from({ length: count }, async () => {
      const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
      const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
      server.registerTool('echo', { inputSchema: { message: z.string() } }, ({ message }) => ({
        content: [{ type: 'text', text: message }],
      }));
      await server.connect(serverSide);
      const client = new Client({ name: 'benchmark', version: '1.0.0' });
      await client.connect(clientSide);
      return client;
    }),
  );
}

/** So many calls in all, of which `wide` are under way at a time; the clients take turns. */
async function calls(all: readonly Client[], count: number, wide: number): Promise<void> {
  const start = cpu();
  let sinceTurn = 0;
  for (let done = 0; done < count; done += wide) {
    await Promise.all(
      Array.from({ length: Math.min(wide, count - done) }, (_, index) =>
        all[(done + index) % all.length]!.callTool({ name: 'echo', arguments: args }),
      ),
    );
    if ((sinceTurn += wide) < A_TURN) continue;
    sinceTurn = 0;
    await nextTurn();
    if (total('queued') > MOST_WAITING) await Promise.all(logs.map((log) => log.forceFlush()));
  }
  used += cpu() - start;
}

const WAYS: Record<string, (x: number) => Promise<Record<string, number>>> = {
  'growth-argument-size': (x) => {
    const processor = audited();
    const value = { content: 'lorem ipsum dolor sit amet, '.repeat(Math.ceil(x / 28)).slice(0, x) };
    const count = Math.max(4, Math.min(20_000, Math.round(4e7 / x)));
    return figures(
      'record',
      count,
      () => records(processor, WARM_UP),
      () => records(processor, count, value),
    );
  },
  'growth-records': (x) => {
    const processor = audited();
    return figures(
      'record',
      x,
      () => records(processor, WARM_UP),
      () => records(processor, x),
    );
  },
  'growth-sinks': (x) => {
    const processor = audited(x);
    return figures(
      'record',
      50_000,
      () => records(processor, WARM_UP),
      () => records(processor, 50_000),
    );
  },
  'growth-concurrent-calls': async (x) => {
    const all = await clients(1);
    return figures(
      'call',
      40_000,
      () => calls(all, WARM_UP, Math.min(x, 100)),
      () => calls(all, 40_000, x),
    );
  },
  'growth-open-clients': async (x) => {
    const all = await clients(x);
    return figures(
      'call',
      40_000,
      () => calls(all, WARM_UP, 10),
      () => calls(all, 40_000, 10),
    );
  },
};

const answer = await WAYS[name]!(Number(load));
const lost = total('dropped') + total('failed');
if (lost > 0) throw new Error(`${name}: ${lost} records were lost, so that this is not what a record costs`);
process.stdout.write(JSON.stringify(answer));
folder.remove();
process.exit(0);
