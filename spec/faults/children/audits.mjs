// Audits as fast as it can with the built package until it is killed; on a plan with `last`, closes the log and ends. Says
// what it has begun and what was acknowledged, each before it goes on: whoever kills it knows what must be on the log.
import { writeSync } from 'node:fs';
import { audit, AuditSpanProcessor, FileSink } from 'otel-mcp-log';

const { path, key, origin, mode, from, last } = JSON.parse(process.argv[2]);
const sink = new FileSink({
  path,
  rotate: { maxBytes: 60_000, compress: true },
  integrity: { origin, key, checkpointEvery: 100 },
});
const processor = new AuditSpanProcessor({ environment: 'test', sink, mode });
const say = (line) => writeSync(1, `${line}\n`);

const options = {
  eventType: 'EVENT_AGENT_DECISION',
  resource: (number) => `call/${number}`,
  data: ({ args: [number] }) => ({ number, filling: 'x'.repeat((number * 37) % 900) }),
};
const perform = audit(options, (number) => {
  say(`begun ${number}`);
  return Promise.resolve(number);
});

if (last) {
  await processor.shutdown();
  say('closed');
} else {
  for (let next = from; ;) {
    const group = Array.from({ length: 1 + (next % 7) }, () => next++);
    await Promise.all(group.map(perform));
    // What batch mode has taken counts once it is delivered.
    if (mode === 'batch') await processor.forceFlush();
    for (const number of group) say(`acknowledged ${number}`);
  }
}
