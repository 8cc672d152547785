// One variant of the question "what does a callTool cost?", in a process of its own, since peers patch the class itself.
// Arguments: variant, line of the SDK (v1, v2), transport (memory, stdio, http), batches, calls a batch. Prints the microseconds
// of one call: the fastest of the batches, which is what the machine's noise touches least.
import { rmSync } from 'node:fs';
import { connect } from './clients.mjs';
import { folder, variants } from './variants.mjs';

const [variant, line, transport, batches, calls] = process.argv.slice(2);
const { Client, client, open, close } = await connect(line, transport);
const call = await variants[variant](client, Client);
await open();

const params = { name: 'echo', arguments: { message: 'the quick brown fox jumps over the lazy dog' } };
let fastest = Infinity;
for (let batch = 0; batch < Number(batches); batch++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < Number(calls); i++) await call(client, params);
  fastest = Math.min(fastest, Number(process.hrtime.bigint() - start) / 1e3 / Number(calls));
}
process.stdout.write(JSON.stringify(fastest));
await close();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
