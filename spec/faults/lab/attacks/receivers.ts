// Receivers that hang or flood, what error texts tell of their addresses, and what they can check of a signature.
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Webhook } from 'standardwebhooks';
import { hang, type Answer, type ReceivedRequest } from '../../../support/httpReceiver.js';
import { broken, together, type Attack, type Try } from '../attack.js';
import { judge, readLog } from '../judge.js';
import { receiving, send } from './sending.js';
import { logOf, named, pairs, toldCount, write, type WriterPlan } from './writing.js';

const ENTRIES: Readonly<Record<string, { entry: object; log: object; told: 'ok' | 'failed' | 'refused' }>> = {
  'all are needed': { entry: {}, log: {}, told: 'failed' },
  'any will do': { entry: {}, log: { requiredSinks: 'any' }, told: 'ok' },
  'it is not required': { entry: { required: false }, log: {}, told: 'ok' },
  'it is not waited for': { entry: { mode: 'batch' }, log: {}, told: 'ok' },
  'strict, not required': { entry: { required: false }, log: { mode: 'blocking-strict' }, told: 'ok' },
};

/** One receiver never answers: the file gets everything, and nobody waits beyond the deadline. */
function oneHangs(how: string): Try {
  const { entry = {}, log = {}, told = 'ok' } = ENTRIES[how] ?? {};
  return (scene) =>
    receiving(
      () => ({ takes: false, answer: hang }),
      async (inbox) => {
        const sinks = [
          { kind: 'file', options: { path: logOf(scene) } },
          { sink: { kind: 'http', options: { endpoint: inbox.url } }, exportTimeoutMillis: 200, ...entry },
        ];
        const { said } = await write(scene, { sinks, log, count: 8, end: 'exit' });
        const longest = (said.find(({ fact }) => fact === 'done')?.value as { longestMs: number } | undefined)
          ?.longestMs;
        const mode = how.startsWith('strict') ? 'blocking-strict' : 'blocking';
        return together(
          judge(said, readLog(logOf(scene)), { mode }),
          broken(
            [toldCount(said, told) === 8, `not all callers were told '${told}'`],
            [
              readLog(logOf(scene)).records.filter(
                ({ stage, resource }) => stage === undefined && resource.startsWith('call/'),
              ).length === 8,
              'the file lacks some',
            ],
            // Ten times the deadline: the sink itself would take fifty.
            [(longest ?? Infinity) < 2_000, `a caller waited ${longest} ms`],
          ),
        );
      },
    );
}

const endless =
  (head: Record<string, string>): Answer =>
  (response) => {
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.writeHead(200, head).on('drain', more);
    more();
  };

/** Does it over and over, until the connection is gone. */
const again =
  (act: (response: ServerResponse) => void, everyMs: number): Answer =>
  (response) => {
    const timer = setInterval(() => act(response), everyMs);
    response.socket?.on('close', () => clearInterval(timer)).on('error', () => clearInterval(timer));
  };

/** Made once: while it is made, no other receiver answers. */
let packed: Buffer | undefined;
const bomb = () => (packed ??= gzipSync(Buffer.alloc(256 * 2 ** 20)));

/** Answers that would fill the memory, or never come to an end. */
const FLOODS: Readonly<Record<string, { answer: Answer; told?: 'failed' }>> = {
  'a gzip bomb': {
    answer: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb()),
  },
  'a gigabyte': { answer: endless({ 'content-length': String(2 ** 30) }) },
  'an endless body': { answer: endless({}) },
  'an endless head': {
    answer: ({ socket }) => {
      const more = (): void => {
        while (
          socket?.destroyed === false &&
          socket.write(`x-${'y'.repeat(1_000)}: ${'z'.repeat(60_000)}\r\n`)
        );
      };
      socket?.write('HTTP/1.1 200 OK\r\n');
      socket?.on('drain', more).on('error', () => undefined);
      more();
    },
    told: 'failed',
  },
  // The status is the answer, however its body goes on.
  'a body that drips': { answer: again((response) => response.write('.'), 20) },
  'provisional answers without end': {
    answer: again(({ socket }) => socket?.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 1),
    told: 'failed',
  },
};

function flooded(how: string): Try {
  const { answer = 200, told = 'ok' } = FLOODS[how] ?? {};
  return (scene) =>
    receiving(
      () => ({ takes: true, answer }),
      async (inbox) => {
        const plan: WriterPlan = {
          count: 4,
          log: { exportTimeoutMillis: told === 'ok' ? 20_000 : 3_000 },
          end: 'exit',
        };
        const { said } = await send(
          scene,
          inbox.url,
          { timeoutMs: told === 'ok' ? 15_000 : 1_000, retry: { maxAttempts: 1 } },
          plan,
        );
        const done = said.find(({ fact }) => fact === 'done')?.value as { rss: number } | undefined;
        return together(
          judge(said, inbox.log, { repeats: true }),
          broken(
            [toldCount(said, told) === 4, `not all callers were told '${told}'`],
            [(done?.rss ?? Infinity) < 250_000, `the process grew to ${done?.rss} KB`],
          ),
        );
      },
    );
}

const SECRET = 'canary5ec2e7';

/** What can go wrong with an address that holds a secret: it cannot be used, or nothing good comes back. */
const LEAKS: Readonly<Record<string, { kind?: string; options: object; log?: object }>> = {
  userinfo: { options: { endpoint: `https://user:${SECRET}@logs.example.com/` } },
  'in the clear, with a query': { options: { endpoint: `http://logs.example.com/?token=${SECRET}` } },
  'no URL': { options: { endpoint: `https://[${SECRET}/?token=${SECRET}` } },
  'a port out of range': { options: { endpoint: `https://logs.example.com:99999/?token=${SECRET}` } },
  'another protocol': { options: { endpoint: `wss://logs.example.com/${SECRET}#${SECRET}` } },
  'an option of the wrong type': { options: { endpoint: { url: `https://logs.example.com/${SECRET}` } } },
  'a name that is not found': { options: { endpoint: `https://nowhere.invalid/${SECRET}?token=${SECRET}` } },
  'nobody listens': { options: { endpoint: `http://127.0.0.1:1/${SECRET}?token=${SECRET}` } },
  'a header that HTTP does not allow': {
    options: { endpoint: 'https://logs.example.com/', headers: { authorization: `Bearer ${SECRET}\n` } },
  },
  'an unknown option': {
    options: { endpoint: 'https://logs.example.com/', url: `https://logs.example.com/${SECRET}` },
  },
  'a key of the wrong type': { options: { endpoint: 'https://logs.example.com/', hmacKey: [SECRET] } },
  'a token endpoint that nobody listens at': {
    kind: 'fieldNotes',
    options: {
      ...{ endpoint: 'http://127.0.0.1:1/v1/events', tokenEndpoint: `http://127.0.0.1:1/${SECRET}` },
      ...{ clientId: 'lab', clientSecret: SECRET },
    },
  },
  'a token endpoint in the clear': {
    kind: 'fieldNotes',
    options: { tokenEndpoint: `http://id.example.com/?key=${SECRET}`, clientId: 'lab', clientSecret: SECRET },
  },
};

/** Nothing that the process says holds the secret: neither what is thrown, nor alarms, nor diagnostic lines. */
function leak(how: string): Try {
  const { kind = 'http', options = {} } = LEAKS[how] ?? {};
  return async (scene) => {
    const retry = { maxAttempts: 2, initialDelayMs: 1 };
    const sinks = [{ kind, options: { ...options, retry, timeoutMs: 1_000 } }];
    const plan: WriterPlan = { sinks, count: 2, log: { exportTimeoutMillis: 500 }, end: 'exit', diag: true };
    const { said, lines, stderr } = await write(scene, plan);
    const complained = said.some(({ thrown, alarm }) => thrown !== undefined || alarm !== undefined);
    return broken(
      [complained, 'nothing went wrong'],
      [!lines.some((line) => line.includes(SECRET)), 'an error text tells the secret'],
      [!stderr.includes(SECRET), 'a diagnostic line tells the secret'],
    );
  };
}

/** Answers that quote what they were asked, as careless receivers do. */
function echoed(status: number): Try {
  return (scene) => {
    const answer: Answer = (response, { path, headers }) =>
      response
        .writeHead(status, { location: path, 'www-authenticate': `Bearer ${SECRET}` })
        .end(`${path} ${headers.authorization}`);
    return receiving(
      () => ({ takes: false, answer }),
      async (inbox) => {
        const headers = { authorization: `Bearer ${SECRET}` };
        const plan: WriterPlan = { count: 2, log: { exportTimeoutMillis: 300 }, end: 'exit', diag: true };
        const { said, lines, stderr } = await send(
          scene,
          `${inbox.url}/${SECRET}?token=${SECRET}`,
          { headers },
          plan,
        );
        return broken(
          [said.some(({ alarm }) => alarm !== undefined), 'nothing went wrong'],
          [![...lines, stderr].some((text) => text.includes(SECRET)), 'the secret is told'],
        );
      },
    );
  };
}

const RAW_KEY = 'a key of the lab, of some length';
const STANDARD_KEY = `whsec_${Buffer.from(RAW_KEY).toString('base64')}`;
const hmac = (bytes: Buffer | string, encoding: 'hex' | 'base64') =>
  createHmac('sha256', RAW_KEY).update(bytes).digest(encoding);

/** What a receiver checks of one request, by means of its own; nothing, where all is well. */
function signatureFaults({ headers, body }: ReceivedRequest): string[] {
  const sent = headers as Record<string, string>;
  const id = sent['webhook-id'] ?? '';
  const time = sent['webhook-timestamp'] ?? '';
  const covered = Buffer.concat([Buffer.from(`${id}.${time}.`), body]);
  const verifier = new Webhook(STANDARD_KEY);
  const text = body.toString('utf8');
  const passes = (over: Record<string, string> = {}, as = text) => {
    try {
      verifier.verify(as, { ...sent, ...over });
      return true;
    } catch (error) {
      // The library also parses what it has verified, and a batch of lines is no JSON.
      return error instanceof SyntaxError;
    }
  };
  const readable = Buffer.from(text).equals(body);
  const checks: [boolean, string][] = [
    [sent['x-signature'] === hmac(body, 'hex'), 'X-Signature is not of these bytes'],
    [
      sent['webhook-signature'] === `v1,${hmac(covered, 'base64')}`,
      'webhook-signature does not cover id, time and bytes',
    ],
    [Math.abs(Number(time) * 1000 - Date.now()) < 60_000, 'the time is not now'],
    [!readable || passes(), 'the verifier of Standard Webhooks refuses it'],
    [!passes({ 'webhook-timestamp': String(Number(time) - 3_600) }), 'an old time is taken'],
    [!passes({ 'webhook-id': 'another' }), 'another id is taken'],
    [!passes({}, `${text} `), 'other bytes are taken'],
  ];
  return checks.filter(([holds]) => !holds).map(([, otherwise]) => otherwise);
}

const SIGNED = {
  json: {},
  'json in lines': { batch: { maxRecords: 4 } },
  'a json array': { batch: { maxRecords: 4, framing: 'array' } },
  protobuf: { format: 'protobuf' },
  ocsf: { format: 'ocsf' },
};

/** Every request can be checked, the repeated ones too, which keep their id. */
function signed(format: keyof typeof SIGNED, hmacKey: string): Try {
  return (scene) =>
    receiving(
      (nth) => ({ takes: true, answer: nth % 2 === 0 ? 503 : 200 }),
      async (inbox) => {
        const { said } = await send(scene, inbox.url, { hmacKey, ...SIGNED[format] });
        const { requests } = inbox;
        const keys = new Map(
          requests.map(({ headers, body }) => [body.toString('hex'), headers['webhook-id']]),
        );
        return broken(
          [toldCount(said, 'ok') === 8, 'callers were told otherwise'],
          [requests.length > 2, 'nothing came'],
          [
            requests.every(({ headers, body }) => keys.get(body.toString('hex')) === headers['webhook-id']),
            'a repeated request has another id',
          ],
          ...requests.flatMap(signatureFaults).map((fault) => [false, fault] as const),
        );
      },
    );
}

/** ATTACKS 33 to 36. */
export const receiverAttacks: readonly Attack[] = [
  {
    item: 33,
    title: 'one sink hangs: the others go on, the deadline holds',
    tries: named(Object.keys(ENTRIES), String, oneHangs),
  },
  {
    item: 34,
    title: 'an answer without end or of any size is capped',
    tries: named(Object.keys(FLOODS), String, flooded),
  },
  {
    item: 35,
    title: 'secrets of an endpoint are in no error text',
    tries: {
      ...named(Object.keys(LEAKS), String, leak),
      ...named([301, 400, 401, 407, 500, 503], (status) => `an answer ${status} that quotes them`, echoed),
    },
  },
  {
    item: 36,
    title: 'the signature covers the exact bytes, id and time',
    tries: named(
      pairs(Object.keys(SIGNED) as (keyof typeof SIGNED)[], [RAW_KEY, STANDARD_KEY]),
      ([format, key]) => `${format}, ${key.startsWith('whsec_') ? 'whsec_' : 'a plain key'}`,
      ([format, key]) => signed(format, key),
    ),
  },
];
