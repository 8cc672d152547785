// One variant of the question "what does a callTool cost?", in a process of its own, since peers patch the class itself.
// Arguments: variant, line of the SDK (v1, v2), transport (memory, stdio, http), batches, calls a batch. Prints the microseconds
// of one call: the fastest of the batches, which is what the machine's noise touches least.
import { rmSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { connect } from './clients.mjs';
import { folder, lost, variants } from './variants.mjs';

/**
 * After so many calls the event loop turns. A call over the in-memory transport takes microtasks alone, and a log that no timer and
 * no write of its own ever gets a turn for does not write, but drops records: another, and a meaningless, question.
 */
const A_TURN = 50;
/** Long enough, in ms, for a sealed log to be open. */
const OPENING_MS = 200;

const [variant, line, transport, batches, calls] = process.argv.slice(2);
const { Client, client, open, close } = await connect(line, transport);
const call = await variants[variant](client, Client);
await open();

const params = { name: 'echo', arguments: { message: 'the quick brown fox jumps over the lazy dog' } };
await call(client, params);
await setTimeout(OPENING_MS);
let fastest = Infinity;
for (let batch = 0; batch < Number(batches); batch++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < Number(calls); i++) {
    await call(client, params);
    if (i % A_TURN === 0) await setImmediate();
  }
  fastest = Math.min(fastest, Number(process.hrtime.bigint() - start) / 1e3 / Number(calls));
}
if (lost() > 0) throw new Error(`${variant}: ${lost()} records were lost`);
process.stdout.write(JSON.stringify(fastest));
await close();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
