import fc from 'fast-check';

/** JSON as no serializer of ours would write it: numbers that a double cannot hold, escapes, keys that stand there twice. */
const odd = fc.constantFrom(
  '1e400',
  '-0',
  '12345678901234567890',
  '0.1000',
  '1E+2',
  '"\\u00e9\\/\\ud83d\\ude00"',
  '{"a":1,"a":2}',
  '[ ]',
  '{ "z" : 1 ,\t"a":[ 1,2 ] }',
  '"\u2028é😀"',
);
const value = fc.oneof(odd, fc.json({ maxDepth: 2 }));
const id = fc.oneof(
  fc.integer().map(String),
  fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
  fc.constantFrom('null', '1.50', '3', '"3"', '12345678901234567890', '1e400', 'true'),
);
const method = fc.constantFrom(
  ...['initialize', 'tools/list', 'tools/call', 'ping', 'resources/read', 'tasks/get', 'acme/unknown', ''],
  ...['sampling/createMessage', 'roots/list', 'server/discover'],
);
const note = fc.constantFrom('notifications/cancelled', 'notifications/progress', 'notifications/acme');
const params = fc.oneof(
  fc.constant(undefined),
  // Once the trace context is taken out again, empty ones look as if there had been none.
  value.filter((text) => text !== '{}'),
  fc
    .tuple(value, value)
    .map(([a, b]) => `{"name":"x","arguments":${a},"_meta":{"progressToken":${b}},"z":${b}}`),
  fc.tuple(id, value).map(([of, reason]) => `{"requestId":${of},"reason":${reason}}`),
);

function object(...members: (string | undefined | false)[]): string {
  return `{${members.filter(Boolean).join(', ')}}`;
}

const message = fc
  .record({ kind: fc.nat(3), id, method, note, params, value, extra: fc.boolean() })
  .map(({ kind, id: of, method: name, note: told, params: given, value: any, extra }) => {
    const more = extra && `"acme": ${any}`;
    const its = given !== undefined && `"params":${given}`;
    if (kind === 0) return object('"jsonrpc":"2.0"', more, `"id":${of}`, `"method":"${name}"`, its);
    if (kind === 1) return object(`"method":"${told}"`, its, '"jsonrpc":"2.0"', more);
    if (kind === 2) return object(`"result":${any}`, more, '"jsonrpc":"2.0"', `"id":${of}`);
    return object('"jsonrpc":"2.0"', `"id" : ${of}`, `"error":{"code":-1,"message":"no","data":${any}}`);
  });

const line = fc.oneof(
  { weight: 8, arbitrary: message },
  { weight: 2, arbitrary: fc.array(message, { maxLength: 3 }).map((batch) => `[ ${batch.join(' ,')} ]`) },
  { weight: 1, arbitrary: value },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '{"half', 'NaN', '\ufeff{}', '[1,2', '{"id":1,}') },
);
const ended = fc
  .tuple(line, fc.constantFrom('\n', '\r\n', ' \n'))
  .map((parts) => Buffer.from(parts.join('')));
/** Not UTF-8, and so no JSON. */
const bytes = fc
  .uint8Array({ maxLength: 20 })
  .map((given) => Buffer.from([...given.filter((each) => each !== 10), 10]));

/** What one side says, line by line. */
export const lines = fc.array(fc.oneof({ weight: 12, arbitrary: ended }, { weight: 1, arbitrary: bytes }), {
  maxLength: 12,
});

/** What both sides say, in an order: whose line each is. */
export const dialogue = fc.array(
  fc.record({
    by: fc.constantFrom('client' as const, 'server' as const),
    line: fc.oneof({ weight: 12, arbitrary: ended }, { weight: 1, arbitrary: bytes }),
  }),
  { maxLength: 20 },
);

/** Server-sent events that hold these lines, framed in any of the ways that the format allows (HTML, section 9.2.5). */
export function streamOf(said: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const frame = fc.record({
    before: fc.constantFrom(
      '',
      'event: message',
      'id: 7',
      'retry: 5',
      ': a comment',
      'event: ping',
      'data',
      'acme: x',
    ),
    feed: fc.constantFrom('\n', '\r\n', '\r'),
    space: fc.constantFrom('', ' '),
    isEnded: fc.boolean(),
  });
  return fc.array(frame, { minLength: said.length, maxLength: said.length }).map((frames) =>
    Buffer.concat(
      frames.map(({ before, feed, space, isEnded }, index) => {
        const text = (said[index] ?? '').toString('latin1').replace(/[\r\n]/g, '');
        const head = before === '' ? '' : before + feed;
        return Buffer.from(`${head}data:${space}${text}${feed}${isEnded ? feed : ''}`, 'latin1');
      }),
    ),
  );
}

const TRACEPARENT = '"traceparent":"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]"';
const ADDED = [
  new RegExp(`,?"params":\\{"_meta":\\{${TRACEPARENT}\\}\\}`, 'g'),
  new RegExp(`,?"_meta":\\{${TRACEPARENT}\\}`, 'g'),
  new RegExp(`,?${TRACEPARENT}`, 'g'),
];

/** A text without the trace context that the relay has put into it. */
export function withoutTrace(text: string): string {
  return ADDED.reduce((left, pattern) => left.replace(pattern, ''), text);
}
