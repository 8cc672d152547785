// Work on record at a sink of the user's own, which fails as the plan says, and is mended later.
import { audit, AuditSpanProcessor } from 'otel-mcp-log';
import { alarm, plan, say } from './support.mjs';

const { failure, log, count, heal = true } = plan;
const STEPS = {
  throws: () => {
    throw new Error('of the sink');
  },
  rejects: () => Promise.reject(new Error('of the sink')),
  permanent: () => ({ status: 'permanent', error: new Error('of the sink') }),
  retryable: () => ({ status: 'retryable', error: new Error('of the sink') }),
  nonsense: () => ({ status: 'perhaps' }),
  hangs: () => new Promise((resolve) => (release = resolve)),
};
let release = () => undefined;
let ill = true;
const taken = [];
const sink = {
  name: 'lab',
  emit: (records) => (ill ? STEPS[failure](records) : void taken.push(...records)),
};
const processor = new AuditSpanProcessor({
  environment: 'lab',
  sink,
  onError: alarm,
  exportTimeoutMillis: 100,
  ...log,
});
const times = new Map();
const work = audit({ eventType: 'EVENT_AGENT_DECISION', resource: (n) => `call/${n}` }, async (n) => {
  say({ begun: n });
  times.set(n, (times.get(n) ?? 0) + 1);
  if (n % 5 === 4) throw new Error('planned');
  return n;
});
async function perform(n) {
  const truth = n % 5 === 4 ? 'planned' : n;
  const [got, error] = await work(n).then(
    (value) => [value],
    (error) => [error.message, error],
  );
  const own = error?.operation ? (error.operation.value ?? error.operation.reason.message) : got;
  const as = error?.code === 'MCP_LOG_ERR_UNAVAILABLE' ? 'refused' : error?.code ? 'failed' : 'ok';
  say({
    told: n,
    as,
    code: error?.code,
    value: { altered: as !== 'refused' && own !== truth, times: times.get(n) ?? 0 },
  });
}
await Promise.all(Array.from({ length: count }, (_, n) => perform(n)));
if (heal) {
  // Beyond the deadline of the sink, so that one that hangs is told of.
  await new Promise((resolve) => setTimeout(resolve, 250));
  ill = false;
  release({ status: 'permanent', error: new Error('of the sink') });
  await processor.forceFlush().catch(() => undefined);
  for (let n = 1_000; n < 1_004; n++) await perform(n);
}
const end = await processor.shutdown().then(
  () => 'ok',
  (error) => error.code,
);
say({ fact: 'taken', value: taken });
if (plan.after) {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { ServerTransport } = await import('./server.mjs');
  const { withLogging, auditLogOf } = await import('otel-mcp-log');
  const own = { name: 'own', emit: (records) => void taken.push(...records) };
  const client = withLogging(new Client({ name: 'lab', version: '1' }), {
    environment: 'lab',
    sink: own,
    onError: alarm,
    ...log,
  });
  await client.connect(new ServerTransport());
  await auditLogOf(client).shutdown();
  const before = taken.length;
  const code = await client.callTool({ name: 'echo', arguments: { n: 0 } }).then(
    () => 'none',
    (error) => error.code,
  );
  say({
    fact: 'late',
    value: { code, taken: taken.length - before, refused: auditLogOf(client).stats().refused },
  });
}
say({ ended: end });
process.exit(0);
