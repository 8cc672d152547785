import { expect } from 'chai';
import { serialize } from 'node:v8';
import fc from 'fast-check';
import { createRedactor, type Redactor } from '../../lib/redaction/createRedactor.js';
import { encodedSize } from '../../lib/redaction/fit.js';
import type { RedactionOptions } from '../../lib/redaction/policy/options.js';
import { draftRecord } from '../support/draftRecord.js';
import { plainSecret, secretSamples } from '../support/secretSamples.js';

const outputs = { levels: { default: 'RequestResponse' } } as const;
const POLICIES: RedactionOptions[] = [
  outputs,
  { ...outputs, replacement: 'hmac', hmacKey: 'k'.repeat(32) },
  { ...outputs, replacement: 'drop', redactPaths: ['**.a', 'mcp.tool_arguments[0]'] },
  { ...outputs, redactValues: { email: true, patterns: [/\w{5,9}/] }, uriPath: true },
  { ...outputs, limits: { depth: 3, breadth: 4, stringBytes: 256, totalBytes: 8_192 } },
];
const REDACTORS = POLICIES.map((policy) => createRedactor(policy));
const policies = fc.nat(POLICIES.length - 1);

/** Text with what detectors react to, well-formed or not. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc
    .array(
      fc.constantFrom(
        ...[
          'password',
          'token',
          '=',
          ': ',
          '"',
          '\\"',
          "'",
          '{',
          '}',
          '[',
          ']',
          'https://',
          'u:p@',
          '?',
          '&',
          '#',
          '%3D',
          '%',
        ],
        ...[
          'eyJhbGciOiJub25lIn0',
          '.',
          'Bearer ',
          'Basic ',
          '-----BEGIN PRIVATE KEY-----',
          '--',
          '4111111111111111',
          ' ',
        ],
        ...[
          '[REDACTED]',
          '[RED',
          'hmac-sha256:',
          '[DROPPED]',
          '…',
          'ZGF0YTogeyJhIjoxfQ',
          '\ud83d',
          '\n',
          'AKIAABCDEFGHIJKLMNOP',
        ],
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join('')),
);

const anything = fc.anything({
  key: fc.oneof(text, fc.constantFrom('password', 'name', 'value', 'toJSON', '__proto__', 'a')),
  values: [
    text,
    text.map((value) => JSON.stringify(value)),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
  ],
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withNullPrototype: true,
  withObjectString: true,
  maxDepth: 5,
});

const size = (value: unknown): number => encodedSize(JSON.stringify(value));
const recordOf = (redactor: Redactor, value: unknown) =>
  redactor.record(draftRecord({ tool_arguments: value, tool_result: value }, { data: value }));

describe('whatever the values', function () {
  this.timeout(120_000);

  it('[attack 11] redaction never throws, ends, and gives plain data within the bounds', () => {
    fc.assert(
      fc.property(policies, anything, (policy, value) => {
        const redactor = REDACTORS[policy]!;
        expect(size(redactor.value(value) ?? null)).to.be.at.most(65_535);
        const record = recordOf(redactor, value);
        expect(size(record)).to.be.at.most(65_535);
        expect(JSON.parse(JSON.stringify(record))).to.deep.equal(withoutNegativeZero(record));
      }),
      { numRuns: 400 },
    );
  });

  it('[attack 13] redaction never changes what it is given', () => {
    fc.assert(
      fc.property(policies, anything, (policy, value) => {
        const redactor = REDACTORS[policy]!;
        const before = serialize(deepFreeze(value));
        recordOf(redactor, value);
        expect(serialize(value)).to.deep.equal(before);
      }),
      { numRuns: 200 },
    );
  });

  it('redacting twice is redacting once', () => {
    fc.assert(
      fc.property(policies, anything, (policy, value) => {
        const redactor = REDACTORS[policy]!;
        const once = recordOf(redactor, value);
        expect(recordJson(redactor.record(once))).to.equal(recordJson(once));
      }),
      { numRuns: 400 },
    );
  });

  it('texts and URIs stay well-formed, and redacting them twice is redacting them once', () => {
    fc.assert(
      fc.property(policies, text, (policy, value) => {
        const redactor = REDACTORS[policy]!;
        for (const redact of [redactor.text, redactor.uri, redactor.value]) {
          const once = redact(value) as string;
          expect(redact(once)).to.equal(once);
          expect(Buffer.from(once, 'utf8').toString('utf8')).to.equal(once);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('redacting twice is redacting once where a cut or a hidden secret changes what a text looks like', () => {
    const cutting = createRedactor({ limits: { breadth: 4 } });
    const cut = [false, 0, '--password', null, 'x'];
    expect(cutting.value(cut)).to.deep.equal([false, 0, '--password', '…[2 more]']);
    expect(cutting.value(cutting.value(cut))).to.deep.equal(cutting.value(cut));
    const redactor = createRedactor();
    const once = redactor.uri('https://"u:p@-----BEGIN PRIVATE KEY-----');
    expect(redactor.uri(once)).to.equal(once);
  });

  it('[attack 15] a secret planted at a random place is gone', () => {
    const kinds = Object.keys(secretSamples());
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.json({ maxDepth: 4 }), fc.nat(), (kind, json, place) => {
        const secret = secretSamples()[kind] ?? '';
        const needle = kind === 'pem' ? (secret.split('\n')[1] ?? '') : secret;
        const planted = plant(JSON.parse(json), `x ${secret} y`, place);
        const out = JSON.stringify(recordOf(createRedactor(outputs), planted));
        expect(out).not.to.contain(needle);
      }),
      { numRuns: 400 },
    );
  });

  it('[attack 15] a plain secret under a secret key at a random place is gone', () => {
    const keys = fc.constantFrom('password', 'clientSecret', 'X-Api-Key', 'refresh_token', 'db.password');
    fc.assert(
      fc.property(keys, fc.json({ maxDepth: 4 }), fc.nat(), fc.nat(3), (key, json, place, layers) => {
        const secret = plainSecret();
        let planted: unknown = plant(JSON.parse(json), { [key]: [secret, { deep: secret }] }, place);
        for (let layer = 0; layer < layers; layer++) planted = { body: JSON.stringify(planted) };
        expect(JSON.stringify(recordOf(createRedactor(outputs), planted))).not.to.contain(secret);
      }),
      { numRuns: 400 },
    );
  });
});

function recordJson(record: object): string {
  return JSON.stringify(record, null, 1);
}

/** JSON has no negative zero. */
function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutNegativeZero(item)]));
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
  return value;
}

/** The value with something put in at the place that a number leads to. */
function plant(value: unknown, what: unknown, place: number): unknown {
  if (typeof value !== 'object' || value === null) return what;
  const entries = Object.entries(value);
  const at = place % (entries.length + 1);
  if (at === entries.length)
    return Array.isArray(value) ? [...(value as unknown[]), what] : { ...value, planted: what };
  const next = entries.map(
    ([key, item], index) => [key, index === at ? plant(item, what, place >> 2) : item] as const,
  );
  return Array.isArray(value) ? next.map(([, item]) => item) : Object.fromEntries(next);
}
