// Hostile values on record, and what a redactor makes of policies and texts; says what came out of each.
import { audit, AuditSpanProcessor, createRedactor, FileSink } from 'otel-mcp-log';
import { alarm, plan, say } from './support.mjs';

const trap = () => {
  throw new Error('trap');
};
const cycle = { a: 1 };
cycle.self = cycle;
let deep = 'bottom';
for (let level = 0; level < 20_000; level++) deep = { d: deep };
let wide = { end: 1 };
for (let level = 0; level < 30; level++) wide = { a: wide, b: wide, c: wide };
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const endless = { toJSON: () => ({ ...endless }) };

/** By name: a value, and what must stand in the record for it. */
const HOSTILE = {
  bigint: [12n, '12n'],
  cycle: [cycle, '[Circular]'],
  deep: [deep, '[Too deep]'],
  wide: [wide, '"'],
  getter: [
    {
      get bad() {
        return trap();
      },
    },
    '[Threw]',
  ],
  revoked: [{ revoked }, '[Threw]'],
  proxy: [{ proxy: new Proxy({}, { ownKeys: trap, get: trap, getPrototypeOf: trap, has: trap }) }, '[Threw]'],
  toJSON: [{ toJSON: trap }, '[Threw]'],
  'endless toJSON': [endless, '[Too deep]'],
  NaN: [NaN, '[NaN]'],
  infinity: [-Infinity, '[-Infinity]'],
  map: [new Map([['k', 'v in a map']]), 'v in a map'],
  set: [new Set(['v in a set']), 'v in a set'],
  date: [new Date(0), '1970-01-01T00:00:00.000Z'],
  'invalid date': [new Date(NaN), '[Invalid Date]'],
  buffer: [Buffer.from([0, 255, 254]), 'bytes]'],
  symbol: [Symbol('s'), '[Symbol]'],
  function: [trap, '[Function]'],
};

async function hostile() {
  const processor = new AuditSpanProcessor({
    environment: 'lab',
    sink: new FileSink(plan.path),
    onError: alarm,
  });
  for (const [name, [value, marker]] of Object.entries(HOSTILE)) {
    const work = audit(
      { eventType: 'EVENT_AGENT_DECISION', resource: `hostile/${name}`, data: () => ({ value }) },
      async () => name,
    );
    say({ fact: name, value: { marker, returned: await work().catch((error) => String(error)) } });
  }
  await processor.shutdown();
}

/** Processor time, the least of a few runs: what it takes when nothing else is at work. */
function least(run) {
  return Math.min(
    ...Array.from({ length: 5 }, () => {
      const start = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1_000;
    }),
  );
}

function patterns() {
  const text = 'a'.repeat(100_000);
  const plain = createRedactor();
  say({ fact: 'the defaults on a value', value: least(() => plain.value(text)) });
  say({ fact: 'the defaults on a key', value: least(() => plain.value({ [text]: 1 })) });
  for (const source of plan.safe) {
    const redactor = createRedactor({ redactPatterns: [new RegExp(source)] });
    say({ fact: `${source} on a key`, value: least(() => redactor.value({ [text]: 1 })) });
  }
  for (const source of plan.unsafe)
    for (const options of [
      { redactPatterns: [new RegExp(source)] },
      { redactValues: { patterns: [new RegExp(source)] } },
    ]) {
      let refused = false;
      try {
        createRedactor(options);
      } catch (error) {
        refused = error.name === 'ConfigError';
      }
      say({ fact: source, value: refused ? 0 : Infinity });
    }
}

function prototypes() {
  const names = () =>
    JSON.stringify(
      [Object, Array, Function, String].map((each) => Reflect.ownKeys(each.prototype).map(String)),
    );
  const before = names();
  for (const path of plan.paths) {
    const args = JSON.parse(
      '{"__proto__":{"polluted":1,"password":"p"},"constructor":{"prototype":{"polluted":2}},"a":[{"token":"t"}]}',
    );
    const copy = JSON.stringify(args);
    let refused = false;
    try {
      createRedactor({ redactPaths: [path], redactPatterns: ['polluted'] }).value(args);
    } catch (error) {
      refused = error.name === 'ConfigError';
    }
    const sound = names() === before && {}.polluted === undefined && JSON.stringify(args) === copy;
    say({ fact: path, value: sound ? (refused ? 'refused' : 'sound') : 'polluted' });
  }
}

await { hostile, patterns, prototypes }[plan.what]();
