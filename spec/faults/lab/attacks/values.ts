// Values that would break a line, a process or a secret.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decodeProtobuf } from '../../../../lib/codecs/protobuf.js';
import { broken, together, type Attack, type Findings, type Try } from '../attack.js';
import { TAKEN } from '../inbox.js';
import { readLog } from '../judge.js';
import type { Scene } from '../scene.js';
import { call, callsOf, judgeCalls, type CallPlan, type Step } from './calling.js';
import { receiving } from './sending.js';
import { logOf, named, pairs, range } from './writing.js';

const bytesOf = (scene: Scene): string => readFileSync(logOf(scene), 'utf8');
const argumentsOf = (scene: Scene, n = 0): Record<string, unknown> =>
  (callsOf(scene)[n]?.mcp?.tool_arguments ?? {}) as Record<string, unknown>;

/** Makes calls, judges them, and looks further. */
function calls(plan: CallPlan, look: (scene: Scene) => Findings): Try {
  return async (scene) => {
    const { said } = await call(scene, plan);
    return together(judgeCalls(scene, said, plan.steps), look(scene));
  };
}

const CONTROLS = {
  'CR and LF': '\r\n',
  'other C0': '\0\b\t\v\f\u001b\u001f',
  DEL: '\u007f',
  NEL: '\u0085',
  CSI: '\u009b',
  'other C1': '\u0080\u009f',
  'line separators': '\u2028\u2029',
  'bidi embeddings': '\u202a\u202e',
  'bidi isolates': '\u2066\u2069',
  marks: '\u200e\u200f\u061c',
};
const RAW = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

function control(name: keyof typeof CONTROLS): Try {
  const text = `a${CONTROLS[name]}b{"seq":0}`;
  const steps: Step[] = [
    { call: 'echo', arguments: { text, [text]: 1 } },
    { call: 'echo', name: `tool ${text}`.slice(0, 60) },
    { call: 'rpcError', arguments: { text } },
    { call: 'toolError', arguments: { text } },
  ];
  return calls({ steps, log: { actorId: `actor ${text}`, includeOutputs: true } }, (scene) =>
    broken(
      [!RAW.test(bytesOf(scene)), 'a control character stands raw in the file'],
      [argumentsOf(scene)['text'] === text, 'the text is not what it was'],
    ),
  );
}

const SURROGATES = [
  '\ud800',
  '\udfff',
  'a\ud83d',
  '\ude00b',
  '\udc00\ud800',
  '\ud83d\ude00',
  '\\ud800',
  '\ud800\\udc00',
];

/** JSON and protobuf say the same, and both are well-formed. */
const surrogate =
  (text: string): Try =>
  (scene) =>
    receiving(
      () => TAKEN,
      async (inbox) => {
        const steps = [{ call: 'echo', arguments: { text, [text]: text } }];
        const { said } = await call(scene, { steps, http: { endpoint: inbox.url, format: 'protobuf' } });
        const far = inbox.requests
          .map(({ body }) => decodeProtobuf(body))
          .find(({ mcp }) => mcp?.method === 'tools/call');
        const near = callsOf(scene)[0];
        const kept = argumentsOf(scene)['text'];
        return together(
          judgeCalls(scene, said, steps),
          broken(
            [
              JSON.stringify(far?.mcp?.tool_arguments) === JSON.stringify(near?.mcp?.tool_arguments),
              'JSON and protobuf differ',
            ],
            [kept === text.replace(/\p{Surrogate}/gu, '\ufffd'), `it became ${JSON.stringify(kept)}`],
            [!/\\ud[89a-f]/.test(bytesOf(scene).replaceAll('\\\\', '')), 'a half of a pair is escaped'],
          ),
        );
      },
    );

const hostile: Try = async (scene) => {
  const { said, stderr } = await scene.run('values.mjs', { what: 'hostile', path: logOf(scene) });
  const facts = said.filter(({ fact }) => fact !== undefined);
  const { records } = readLog(logOf(scene));
  const wrong = facts.flatMap(({ fact, value }) => {
    const { marker, returned } = value as { marker: string; returned: unknown };
    const record = records.find(({ resource }) => resource === `hostile/${fact}`);
    if (record === undefined) return [`${fact} has no record`];
    if (returned !== fact) return [`${fact} changed the result: ${String(returned)}`];
    return JSON.stringify(record.data).includes(marker)
      ? []
      : [`${fact} is ${JSON.stringify(record.data).slice(0, 80)}`];
  });
  return {
    lost: wrong.filter((each) => each.endsWith('no record')),
    broken: [...wrong, ...(facts.length === 18 ? [] : [`it ended early: ${stderr}`])],
  };
};

/** A large argument: the record stays small, keeps its metadata, and says how much there was. */
const large =
  (bytes: number): Try =>
  async (scene) => {
    const { said } = await call(
      scene,
      { steps: [{ call: 'echo', bytes }] },
      { node: ['--max-old-space-size=400'] },
    );
    const [record] = callsOf(scene);
    const cut = record?.truncated?.find(({ path }) => path.endsWith('filling'));
    const sha256 = createHash('sha256').update('x'.repeat(bytes)).digest('hex');
    const line =
      bytesOf(scene)
        .split('\n')
        .find((each) => each.includes('"tools/call"')) ?? '';
    const rss =
      (said.find(({ fact }) => fact === 'done')?.value as { rss: number } | undefined)?.rss ?? Infinity;
    return {
      lost: record === undefined ? ['the call'] : [],
      untrue: record === undefined || record.outcome === 'OUTCOME_SUCCESS' ? [] : [record.outcome],
      ...broken(
        [Buffer.byteLength(line) <= 65_536, `the line has ${line.length} bytes`],
        [cut?.original_bytes === bytes && cut.sha256 === sha256, `the cut is told as ${JSON.stringify(cut)}`],
        [record?.mcp?.tool_name === 'echo', 'the metadata is gone'],
        [rss * 1024 < 250e6 + 10 * bytes, `the process grew to ${rss} KB`],
      ),
    };
  };

const PATHS = [
  '__proto__',
  '__proto__.x',
  'data.__proto__.polluted',
  'constructor.prototype.x',
  'data.constructor.prototype.polluted',
  '**.__proto__',
  'mcp.tool_arguments.constructor',
  'data["__proto__"]',
];
const SAFE = ['token$', '(a|a)*$', '(a|aa)+$', 'a*a*a*b', '.*a.*a.*b', '[\\w.+-]+@[\\w-]+', '^.*secret.*$'];
const UNSAFE = [
  '^(a+)+$',
  '(a*)*b',
  '(\\w+)*x',
  '([^,]+){2,}',
  '(?:.*)+',
  '(?=a)b',
  '(?<!x)y',
  '(a)\\1',
  '(a{1,200}){1,100}',
];

/** One fact of a script, as it should be. */
const fact =
  (plan: object, is: (value: unknown) => boolean, count: number): Try =>
  async (scene) => {
    const { said, stderr } = await scene.run('values.mjs', plan);
    const facts = said.filter((each) => each.fact !== undefined);
    const wrong = facts
      .filter(({ value }) => !is(value))
      .map((each) => `${each.fact}: ${JSON.stringify(each.value)}`);
    return { broken: facts.length === count ? wrong : [`${facts.length} facts: ${stderr}`] };
  };

/** Under a redacted key, each of these is hidden, whatever it is. */
const hidden = (value: unknown): Try =>
  calls(
    { steps: [{ call: 'echo', arguments: { password: value, list: [{ api_key: value }], token_count: 7 } }] },
    (scene) => {
      const { password, list, token_count: count } = argumentsOf(scene);
      const within = (list as { api_key: unknown }[] | undefined)?.[0]?.api_key;
      return broken(
        [password === '[REDACTED]' && within === '[REDACTED]', 'it is not hidden'],
        [count === 7, 'a count is hidden'],
      );
    },
  );

const token = (key: string, value: string): Try =>
  calls(
    {
      steps: [
        { call: 'echo', arguments: { password: value } },
        { call: 'echo', arguments: { token: value } },
      ],
      log: { redaction: { replacement: 'hmac', hmacKey: key } },
    },
    (scene) => {
      const expected = `hmac-sha256:${createHmac('sha256', key).update(value).digest('hex')}`;
      return broken(
        [
          argumentsOf(scene)['password'] === expected && argumentsOf(scene, 1)['token'] === expected,
          'another token',
        ],
        [!bytesOf(scene).includes(value), 'the value is told'],
      );
    },
  );

const refusedKey =
  (hmacKey: string | undefined): Try =>
  async (scene) => {
    const redaction = { replacement: 'hmac', ...(hmacKey !== undefined && { hmacKey }) };
    const { said, lines, stderr } = await call(scene, { how: 'processor', steps: [], log: { redaction } });
    return broken([
      said.some(({ thrown }) => thrown?.name === 'ConfigError'),
      `it started: ${lines.join()} ${stderr}`,
    ]);
  };

/** The numbers of the calls are dropped too: they are told apart by their places. */
const failing =
  (custom: string): Try =>
  async (scene) => {
    const steps = [
      { call: 'toolError', arguments: { text: 'canary0value' } },
      { call: 'rpcError' },
      { call: 'echo' },
    ];
    await call(scene, { custom, steps });
    const got = callsOf(scene).map(({ outcome }) => outcome);
    const failed = 'OUTCOME_FAILURE_ERROR';
    const truth = [failed, failed, 'OUTCOME_SUCCESS'];
    return {
      lost: got.length < steps.length ? [`${steps.length - got.length} calls`] : [],
      untrue: got.filter((each, n) => each !== truth[n]),
      ...broken(
        [!bytesOf(scene).includes('canary0value'), 'the value is told'],
        [bytesOf(scene).includes('[REDACTION FAILED]'), 'no marker'],
      ),
    };
  };

const inner = { login: { password: 'canary1inner', token_count: 3 }, max_tokens: 9, page: 'kept' };
const TEXTS = {
  json: JSON.stringify(inner),
  'json twice': JSON.stringify({ in: JSON.stringify(inner) }),
  base64: Buffer.from(JSON.stringify(inner)).toString('base64'),
  'in a sentence': `It said ${JSON.stringify(inner)} and left`,
  assignment: 'password=canary1inner token_count=3',
  header: 'Authorization: Bearer canary1inner',
};

const embedded = (name: keyof typeof TEXTS): Try =>
  calls(
    {
      steps: [
        {
          call: 'echo',
          arguments: { text: TEXTS[name], token_count: 5, max_tokens: 6, password_policy: 'strong' },
        },
      ],
    },
    (scene) => {
      const { token_count, max_tokens, password_policy, text } = argumentsOf(scene);
      const decoded = `${String(text)} ${Buffer.from(String(text), 'base64').toString()}`;
      return broken(
        [!bytesOf(scene).includes('canary1inner') && !decoded.includes('canary1inner'), 'the secret is told'],
        [token_count === 5 && max_tokens === 6 && password_policy === 'strong', 'too much is hidden'],
      );
    },
  );

const keysOf = <T extends object>(of: T) => Object.keys(of) as (keyof T & string)[];

const CANARY = 'canary4everywhere';
const LEAKY = `password=${CANARY} Authorization: Bearer ${CANARY} https://u:${CANARY}@h.example/?access_token=${CANARY}#token=${CANARY} {"api_key":"${CANARY}"}`;

/** The secret is put wherever a call has a place for one, and looked for in all that leaves the process. */
const canary =
  (replacement: string, mode: string, how: 'withLogging' | 'processor'): Try =>
  (scene) =>
    receiving(
      () => TAKEN,
      async (inbox) => {
        const given = {
          text: LEAKY,
          password: CANARY,
          nested: [{ headers: { authorization: `Bearer ${CANARY}` } }],
        };
        const uri = `https://u:${CANARY}@h.example/a?access_token=${CANARY}#${CANARY}`;
        const steps: Step[] = [
          { call: 'echo', arguments: given },
          { call: 'toolError', arguments: given },
          { call: 'rpcError', arguments: { ...given, data: given } },
          { call: 'read', uri },
        ];
        const hmacKey = replacement === 'hmac' ? { hmacKey: 'k'.repeat(40) } : {};
        const log = { mode, includeOutputs: true, redaction: { replacement, ...hmacKey } };
        const { stderr } = await call(
          scene,
          { how, steps, log, http: { endpoint: inbox.url } },
          { env: { OTEL_LOG_LEVEL: 'all' } },
        );
        return {
          lost: callsOf(scene).length < 3 ? [`${3 - callsOf(scene).length} calls`] : [],
          ...broken(
            [!bytesOf(scene).includes(CANARY), 'the file tells the secret'],
            [!inbox.requests.some(({ body }) => body.includes(CANARY)), 'a request tells the secret'],
            [inbox.requests.length > 3, 'nothing was sent'],
            [!stderr.includes(CANARY), 'a diagnostic line tells the secret'],
          ),
        };
      },
    );

/** ATTACKS 9 to 19. */
export const valueAttacks: readonly Attack[] = [
  {
    item: 9,
    title: 'control and direction characters are escaped; one line per record',
    tries: named(keysOf(CONTROLS), String, control),
  },
  {
    item: 10,
    title: 'lone surrogates are made well-formed; JSON and protobuf agree',
    tries: named(SURROGATES, (text) => JSON.stringify(text), surrogate),
  },
  {
    item: 11,
    title: 'values that throw, or that JSON has no word for: a marker, never an exception',
    tries: { '18 values': hostile },
  },
  {
    item: 12,
    title: 'a 50 MB argument: bounded, measured and hashed',
    tries: named([100_000, 5_000_000, 50_000_000], (bytes) => `${bytes} bytes`, large),
  },
  {
    item: 13,
    title: 'paths to prototypes change none',
    tries: named(PATHS, String, (path) =>
      fact({ what: 'prototypes', paths: [path] }, (value) => value !== 'polluted', 1),
    ),
  },
  {
    item: 14,
    title: 'patterns take linear time; unsafe ones are refused',
    tries: {
      'all patterns': fact(
        { what: 'patterns', safe: SAFE, unsafe: UNSAFE },
        (ms) => typeof ms === 'number' && ms < 50,
        2 + SAFE.length + 2 * UNSAFE.length,
      ),
    },
  },
  {
    item: 16,
    title: 'numbers and booleans under a redacted key are redacted',
    tries: named(
      [0, 1234567, -1.5, true, false, 'canary2', ['canary2'], { a: 1 }],
      (value) => JSON.stringify(value),
      hidden,
    ),
  },
  {
    item: 17,
    title: 'keyed tokens: stable for one key, others for another; none without a key',
    tries: {
      ...named(
        range(1, 4),
        (n) => `key ${n}`,
        (n) => token(`key ${n} `.repeat(6), `canary3 ${n % 2}`),
      ),
      ...named([undefined, '', 'short'], (key) => `a key ${JSON.stringify(key)}`, refusedKey),
    },
  },
  {
    item: 18,
    title: 'a redactor that fails: the value is dropped and marked, the record kept',
    tries: named(
      ['throws', 'throws no error', 'returns an object', 'returns a promise', 'returns a function'],
      String,
      failing,
    ),
  },
  {
    item: 19,
    title: 'secrets within texts are found, counts of tokens are not',
    tries: named(keysOf(TEXTS), String, embedded),
  },
  {
    item: 15,
    title:
      'a secret in arguments, results, errors and addresses is in no sink and no line (spec/canary has more places)',
    tries: named(
      pairs(
        ['mask', 'hmac', 'drop'],
        pairs(['blocking', 'blocking-strict', 'batch'], ['withLogging', 'processor'] as const),
      ),
      ([replacement, [mode, how]]) => `${replacement}, ${mode}, ${how}`,
      ([replacement, [mode, how]]) => canary(replacement, mode, how),
    ),
  },
];
