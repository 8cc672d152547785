// How late is the event loop while a client makes 1,000 calls a second? Arguments: variant, seconds. Prints the median, the 99.9th
// percentile and the most of the loop's delay in milliseconds, beyond the timer's own period.
import { rmSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { connect } from './clients.mjs';
import { folder, lost, variants } from './variants.mjs';

const EVERY_MS = 2;
const CALLS = 2;
const [variant, seconds] = process.argv.slice(2);
const { Client, client, open } = await connect('v1', 'memory');
const call = await variants[variant](client, Client);
await open();

const params = { name: 'echo', arguments: { message: 'the quick brown fox jumps over the lazy dog' } };
const delay = monitorEventLoopDelay({ resolution: 1 });
let ticks = 0;
// The first second is the compiler's.
const timer = setInterval(() => {
  for (let i = 0; i < CALLS; i++) void call(client, params);
  if (++ticks === 1000 / EVERY_MS) delay.enable();
  if (ticks < (1000 / EVERY_MS) * (1 + Number(seconds))) return;
  clearInterval(timer);
  delay.disable();
  if (lost() > 0) throw new Error(`${variant}: ${lost()} records were lost`);
  const milliseconds = [delay.percentile(50), delay.percentile(99.9), delay.max].map((nanos) => nanos / 1e6);
  process.stdout.write(JSON.stringify(milliseconds));
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}, EVERY_MS);
