// Receivers that refuse, break off, send away, or are not who they say.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { makeAuthority } from '../../../support/certificates.js';
import { hang, reset, type Answer } from '../../../support/httpReceiver.js';
import { broken, together, type Attack, type Try } from '../attack.js';
import { recordsOf, TAKEN } from '../inbox.js';
import { judge } from '../judge.js';
import type { Scene } from '../scene.js';
import { BATCHES, FRAMINGS, receiving, send } from './sending.js';
import { named, pairs, toldCount, write, type WriterPlan } from './writing.js';

/** Pieces of work that were put aside; the gap records that tell of them may be there too. */
const deadLetters = (scene: Scene): number =>
  existsSync(scene.path('dead.jsonl'))
    ? readFileSync(scene.path('dead.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"resource":"call/')).length
    : 0;

/** A redirect: nothing reaches the second host, and every record is put aside and told of. */
function redirected(status: number, framing: keyof typeof BATCHES): Try {
  return (scene) =>
    receiving(
      () => TAKEN,
      (second) => {
        const answer: Answer = (response) => response.writeHead(status, { location: second.url }).end();
        return receiving(
          () => ({ takes: false, answer }),
          async (first) => {
            const headers = { authorization: 'Bearer lab' };
            const { said } = await send(scene, first.url, { headers, ...BATCHES[framing] });
            return together(
              judge(said, first.log),
              broken(
                [second.requests.length === 0, 'the second host was asked'],
                [toldCount(said, 'failed') === 8, 'callers were not told'],
                [deadLetters(scene) === 8, `${deadLetters(scene)} of 8 records were put aside`],
                [said.some(({ alarm }) => alarm !== undefined), 'there was no alarm'],
              ),
            );
          },
        );
      },
    );
}

const authority = makeAuthority();
const stranger = makeAuthority();
const CERTIFICATES = {
  'of an unknown authority': () => stranger.issue('localhost'),
  'that has expired': () => authority.issue('localhost', { expired: true }),
  'of another host': () => authority.issue('other.example'),
  'that is good': () => authority.issue('localhost'),
};

function certified(of: keyof typeof CERTIFICATES): Try {
  const good = of === 'that is good';
  return (scene) =>
    receiving(
      () => TAKEN,
      async (inbox) => {
        writeFileSync(scene.path('ca.pem'), authority.ca);
        const options = { endpoint: inbox.url, retry: { maxAttempts: 1 } };
        const plan: WriterPlan = {
          ...{ sinks: [{ kind: 'http', options }], count: 4, end: 'exit' },
          log: { exportTimeoutMillis: good ? 10_000 : 300 },
        };
        const { said } = await write(scene, plan, { env: { NODE_EXTRA_CA_CERTS: scene.path('ca.pem') } });
        return together(
          judge(said, inbox.log),
          broken(
            [good || inbox.requests.length === 0, 'something was sent'],
            [toldCount(said, good ? 'ok' : 'failed') === 4, 'callers were told otherwise'],
          ),
        );
      },
      CERTIFICATES[of](),
    );
}

/** Addresses that look like this machine, or are in the clear. */
const IN_THE_CLEAR = [
  ...[
    'http://example.com/',
    'http://localhost.example.com/',
    'http://127.0.0.1.example.com/',
    'http://10.0.0.1/',
  ],
  ...['http://0.0.0.0/', 'http://[::]/', 'http://[::ffff:127.0.0.1]/', 'http://127.0.0.1@example.com/'],
  ...[
    'http://localhost@example.com/',
    'ftp://127.0.0.1/',
    'ws://localhost/',
    'HTTP://EXAMPLE.COM/',
    '//localhost/',
  ],
];

const refusedAddress =
  (endpoint: string): Try =>
  async (scene) => {
    const { said } = await send(scene, endpoint, {}, { count: 0 });
    return broken([said.some(({ thrown }) => thrown?.name === 'ConfigError'), 'it was taken']);
  };

const RETRY_AFTER = {
  'no word': () => ({}),
  seconds: () => ({ 'retry-after': '1' }),
  'a date': () => ({ 'retry-after': new Date(Date.now() + 2_000).toUTCString() }),
};

/** A status that means "later": tried again, not before its time. */
function later(status: number, word: keyof typeof RETRY_AFTER): Try {
  return (scene) => {
    const answer: Answer = (response) => response.writeHead(status, RETRY_AFTER[word]()).end();
    return receiving(
      (nth) => (nth === 1 ? { takes: false, answer } : TAKEN),
      async (inbox) => {
        const { said } = await send(scene, inbox.url, {});
        const waited = (inbox.arrivals[2] ?? 0) - (inbox.arrivals[1] ?? 0);
        return together(
          judge(said, inbox.log),
          broken(
            [toldCount(said, 'ok') === 8, 'callers were told otherwise'],
            // A date has whole seconds: of two seconds, one is left at least.
            [word === 'no word' || waited >= 950, `it came back after ${waited} ms`],
          ),
        );
      },
    );
  };
}

/** A status that means "never": put aside, told of, and not repeated. */
function never(status: number, nth: number): Try {
  return (scene) =>
    receiving(
      (request) => (request === nth ? { takes: false, answer: status } : TAKEN),
      async (inbox) => {
        const { said } = await send(scene, inbox.url, {});
        const keys = inbox.requests.map(({ headers }) => headers['idempotency-key']);
        return together(
          // What tells of it can only follow the rest of its batch: a receiver goes by `seq`.
          judge(said, inbox.log, { repeats: true }),
          broken(
            [toldCount(said, 'failed') === 1 && toldCount(said, 'ok') === 7, 'callers were told otherwise'],
            [new Set(keys).size === keys.length, 'it was repeated'],
            [deadLetters(scene) === 1, 'it was not put aside'],
            [said.some(({ alarm }) => alarm?.lost === 1), 'there was no alarm'],
          ),
        );
      },
    );
}

const raw =
  (text: string, end: 'reset' | 'end'): Answer =>
  ({ socket }) => {
    socket?.write(text, () => void (end === 'reset' ? socket.resetAndDestroy() : socket.end()));
  };

/** Ways in which an answer is lost after the receiver has taken the records. */
const BREAKS: Readonly<Record<string, Answer>> = {
  'reset without an answer': reset,
  'closed without an answer': ({ socket }) => socket?.destroy(),
  'half a head': raw('HTTP/1.1 200 OK\r\nContent-Le', 'reset'),
  'a head, and reset in the body': raw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'reset'),
  'a head, and closed in the body': raw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 'end'),
  'no HTTP at all': raw('SSH-2.0-nonsense\r\n\r\n', 'end'),
  'no answer': hang,
};

function brokenOff(how: string, framing: keyof typeof BATCHES, every: number): Try {
  return (scene) =>
    receiving(
      (nth) => ({ takes: true, answer: nth % every === 0 ? (BREAKS[how] ?? 200) : 200 }),
      async (inbox) => {
        const { said } = await send(scene, inbox.url, { timeoutMs: 250, ...BATCHES[framing] });
        const keys = new Map<string, Set<unknown>>();
        for (const request of inbox.requests) {
          const ids = recordsOf(request)
            .map((record) => record.record_id)
            .join();
          keys.set(ids, (keys.get(ids) ?? new Set()).add(request.headers['idempotency-key']));
        }
        return together(
          judge(said, inbox.log, { repeats: true }),
          broken(
            [toldCount(said, 'ok') === 8, 'callers were told otherwise'],
            [[...keys.values()].every(({ size }) => size === 1), 'a repeated request has another key'],
            [new Set([...keys.values()].map(([key]) => key)).size === keys.size, 'two requests share a key'],
          ),
        );
      },
    );
}

/** ATTACKS 29 to 32. */
export const httpAttacks: readonly Attack[] = [
  {
    item: 29,
    title: 'any 3xx is a failure; the second host sees nothing',
    tries: named(
      pairs([300, 301, 302, 303, 304, 305, 307, 308], FRAMINGS),
      ([status, framing]) => `${status}, ${framing}`,
      ([status, framing]) => redirected(status, framing),
    ),
  },
  {
    item: 30,
    title: 'bad, expired and wrong-host certificates are rejected, and http:// but to this machine',
    tries: {
      ...named(
        Object.keys(CERTIFICATES) as (keyof typeof CERTIFICATES)[],
        (of) => `a certificate ${of}`,
        certified,
      ),
      ...named(IN_THE_CLEAR, String, refusedAddress),
    },
  },
  {
    item: 31,
    title: '429, 502, 503, 504 and Retry-After are heeded; anything else is put aside with an alarm',
    tries: {
      ...named(
        pairs([429, 502, 503, 504], Object.keys(RETRY_AFTER) as (keyof typeof RETRY_AFTER)[]),
        ([status, word]) => `${status}, ${word}`,
        ([status, word]) => later(status, word),
      ),
      ...named(
        pairs([400, 401, 403, 404, 413, 500], [0, 3, 7]),
        ([status, nth]) => `${status} to request ${nth}`,
        ([status, nth]) => never(status, nth),
      ),
    },
  },
  {
    item: 32,
    title: 'an answer that is lost: the same idempotency key, so that a receiver can tell',
    tries: named(
      pairs(Object.keys(BREAKS), pairs(FRAMINGS, [2, 3])),
      ([how, [framing, every]]) => `${how}, every ${every} requests, ${framing}`,
      ([how, [framing, every]]) => brokenOff(how, framing, every),
    ),
  },
];
