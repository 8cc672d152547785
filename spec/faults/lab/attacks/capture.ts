// What may keep a call from its record, or make the record say what did not happen.
import { writeFileSync } from 'node:fs';
import { broken, faketimeLibrary, together, type Attack, type Try } from '../attack.js';
import { readLog } from '../judge.js';
import { runOf, saidIn } from '../scene.js';
import { call, callsOf, judgeCalls, type CallPlan, type Step } from './calling.js';
import { logOf, named, pairs } from './writing.js';

const HOWS = ['withLogging', 'processor'] as const;
const SDKS = ['v1', 'v2'] as const;
const CALLS: readonly Step[] = ['echo', 'toolError', 'echo', 'rpcError', 'echo'].map((each) => ({
  call: each,
}));

/** A handful of calls, whose records are whole and true. */
function calls(plan: Partial<CallPlan>, env: Readonly<Record<string, string>> = {}): Try {
  return async (scene) => {
    const steps = plan.steps ?? CALLS;
    const { said, stderr } = await call(scene, { ...plan, steps }, { env });
    const ended = said.some((each) => each.ended === 'ok');
    return together(judgeCalls(scene, said, steps), broken([ended, `the end failed: ${stderr}`]));
  };
}

/** The same in every set-up of OpenTelemetry. */
const under = (setUps: readonly Exclude<CallPlan['telemetry'], string | undefined>[]): Record<string, Try> =>
  named(
    pairs(setUps, HOWS),
    ([telemetry, how]) => `${Object.values(telemetry).flat().join(', ')}, ${how}`,
    ([telemetry, how]) => calls({ telemetry, how }),
  );

const LIMITS = [
  { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1' },
  { OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '2' },
  { OTEL_ATTRIBUTE_COUNT_LIMIT: '1', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1' },
  { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '0', OTEL_SPAN_EVENT_COUNT_LIMIT: '0' },
];

const ENDS = ['abortBefore', 'abortDuring', 'timeout', 'lost', 'died'];

/** Killed with calls under way: the next process says of each that its outcome is unknown, and says it once. */
function killedWithOpenCalls(open: number, how: (typeof HOWS)[number]): Try {
  return async (scene) => {
    const plan: CallPlan = { how, log: { mode: 'blocking-strict' }, steps: [] };
    const hanging = Array.from({ length: open }, () => ({ call: 'hang' }));
    const child = scene.start('calls.mjs', {
      path: logOf(scene),
      ...plan,
      steps: [{ call: 'echo' }, ...hanging],
      atOnce: true,
    });
    const sent = () => saidIn(child.lines).filter(({ begun }) => begun !== undefined).length === open + 1;
    const answered = () => saidIn(child.lines).some(({ told }) => told === 0);
    let over = false;
    void child.ended.then(() => (over = true));
    while (!over && !(sent() && answered())) await new Promise((resolve) => setTimeout(resolve, 5));
    child.process.kill('SIGKILL');
    const first = runOf(await child.ended);
    for (let start = 0; start < 2; start++) await call(scene, { ...plan, steps: [{ call: 'echo' }] });
    const { records, broken: torn } = readLog(logOf(scene));
    const intents = records.filter(({ stage, mcp }) => stage !== undefined && mcp?.method === 'tools/call');
    const reports = (id: string | undefined) =>
      records.filter(({ operation_id, error }) => operation_id === id && error?.type === 'unknown_outcome')
        .length;
    const finished = (id: string | undefined) =>
      records.filter(
        ({ operation_id, stage, error }) =>
          operation_id === id && stage === undefined && error?.type !== 'unknown_outcome',
      ).length;
    return {
      lost: intents.length === open + 3 ? [] : [`${open + 3 - intents.length} intents`],
      untrue: intents
        .filter(({ operation_id: id }) => reports(id) + finished(id) !== 1)
        .map(({ operation_id: id }) => `${id}: ${finished(id)} completions, ${reports(id)} times unknown`),
      broken: [
        ...torn,
        ...(first.signal === 'SIGKILL' ? [] : ['it was not killed']),
        ...(records.filter(({ error }) => error?.type === 'unknown_outcome').length >= open
          ? []
          : ['the next start says nothing']),
      ],
    };
  };
}

/** The wall clock steps while a call is under way. */
function steppedClock(offset: string, how: (typeof HOWS)[number]): Try {
  return async (scene) => {
    const file = scene.path('clock');
    writeFileSync(file, '+0');
    const env = {
      LD_PRELOAD: faketimeLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      // A step of the wall clock leaves the monotonic one as it is.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    const steps: Step[] = [
      { call: 'echo' },
      { call: 'clock', arguments: { offset } },
      { call: 'echo' },
      { call: 'clock', arguments: { offset: '+0' } },
      { call: 'echo' },
    ];
    const { said } = await call(scene, { how, steps }, { env });
    const records = callsOf(scene);
    const times = records.map(({ time }) => Date.parse(time));
    const step = (times[2] ?? 0) - (times[1] ?? 0);
    return together(
      judgeCalls(scene, said, steps),
      broken(
        [offset.startsWith('-') ? step < -500 : step > 500, `the clock did not step: ${step} ms`],
        [records.every(({ duration_ms: ms }) => ms >= 0 && ms < 10_000), 'a duration is not true'],
      ),
    );
  };
}

/** ATTACKS 1 to 8. */
export const captureAttacks: readonly Attack[] = [
  {
    item: 1,
    title: 'sampler off, unsampled parent, suppressed tracing: recorded all the same',
    tries: {
      ...under([
        { sampler: 'none' },
        { sampler: 'ratio 0' },
        { sampler: 'throwing' },
        { sampler: 'parent', within: 'unsampled remote parent' },
        { sampler: 'parent', within: 'unsampled local parent' },
        { within: 'suppressed tracing' },
      ]),
      ...named(
        HOWS,
        (how) => `no SDK, ${how}`,
        (how) => calls({ how, telemetry: 'none' }),
      ),
      OTEL_TRACES_SAMPLER: calls({}, { OTEL_TRACES_SAMPLER: 'always_off' }),
    },
  },
  {
    item: 2,
    title: 'another span processor throws: recorded, and the result untouched',
    tries: under(
      ['throws in onStart', 'throws in onEnd', 'rejects at the end'].map((name) => ({ processors: [name] })),
    ),
  },
  {
    item: 3,
    title: 'limits on attributes: the record is complete',
    tries: named(
      pairs(LIMITS, HOWS),
      ([limit, how]) => `${Object.entries(limit).join(' ')}, ${how}`,
      ([limit, how]) => calls({ how }, limit as Record<string, string>),
    ),
  },
  {
    item: 4,
    title: "others rewrite attributes: the record keeps the call's own values",
    tries: under([
      { sampler: 'rewriting' },
      ...['rewrites at the start', 'rewrites at the end', 'deletes at the end'].map((name) => ({
        processors: [name],
      })),
    ]),
  },
  {
    item: 5,
    title: 'cancel, timeout, lost transport: one completion with the true outcome',
    tries: named(
      pairs(pairs(HOWS, SDKS), pairs(['blocking', 'blocking-strict', 'batch'], [false, true])),
      ([[how, sdk], [mode, atOnce]]) => `${how}, ${sdk}, ${mode}${atOnce ? ', at once' : ''}`,
      ([[how, sdk], [mode, atOnce]]) =>
        calls({ how, sdk, atOnce, log: { mode }, steps: ENDS.map((each) => ({ call: each })) }),
    ),
  },
  {
    item: 6,
    title: 'isError, JSON-RPC error, 401, 403: four outcomes or types',
    tries: named(
      pairs(pairs(HOWS, SDKS), ['blocking', 'blocking-strict', 'batch']),
      ([[how, sdk], mode]) => `${how}, ${sdk}, ${mode}`,
      ([[how, sdk], mode]) =>
        calls({
          ...{ how, sdk, log: { mode } },
          steps: ['toolError', 'rpcError', 'http401', 'http403', 'echo'].map((each) => ({ call: each })),
        }),
    ),
  },
  {
    item: 7,
    title: 'SIGKILL between intent and completion: the next start reports unknown_outcome, once',
    tries: named(
      pairs([1, 2, 5, 20], HOWS),
      ([open, how]) => `${open} calls, ${how}`,
      ([open, how]) => killedWithOpenCalls(open, how),
    ),
  },
  {
    item: 8,
    title: 'the clock steps during a call: seq rises, durations are true',
    needs: 'faketime',
    tries: named(
      pairs(['-2s', '-1h', '-400d', '+1h'], HOWS),
      ([offset, how]) => `${offset}, ${how}`,
      ([offset, how]) => steppedClock(offset, how),
    ),
  },
];
