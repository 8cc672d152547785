// Secrets in every place that a call has for one, and redactors that fail.
import { createHmac } from 'node:crypto';
import { broken, type Attack, type Try } from '../attack.js';
import { TAKEN } from '../inbox.js';
import { argumentsOf, bytesOf, call, calls, callsOf, keysOf, type Step } from './calling.js';
import { receiving } from './sending.js';
import { named, pairs, range } from './writing.js';

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

/** ATTACKS 15 to 19. */
export const secretAttacks: readonly Attack[] = [
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
