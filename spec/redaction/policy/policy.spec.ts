import { expect } from 'chai';
import { createHmac } from 'node:crypto';
import { ConfigError } from '../../../lib/errors.js';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import type { RedactionOptions } from '../../../lib/redaction/policy/options.js';
import { draftRecord } from '../../support/draftRecord.js';
import { secretSamples } from '../../support/secretSamples.js';

const hmacKey = 'k'.repeat(32);
const token = (text: string, key = hmacKey): string =>
  `hmac-sha256:${createHmac('sha256', key).update(text).digest('hex')}`;

describe('the policy', () => {
  it('has defaults, which can be switched off', () => {
    expect(createRedactor().value({ password: 'x' })).to.deep.equal({ password: '[REDACTED]' });
    const { jwt } = secretSamples();
    const bare = createRedactor({ defaults: false, redactPatterns: ['iban'] });
    expect(bare.value({ password: 'x', iban: 'y', jwt })).to.deep.equal({
      password: 'x',
      iban: '[REDACTED]',
      jwt,
    });
  });

  it('hides what the issue names: password, secret, /token$/i, at any depth, and changes nothing of the caller', () => {
    const redactor = createRedactor({ redactPatterns: ['password', 'secret', /token$/i] });
    const input = Object.freeze({
      a: Object.freeze([Object.freeze({ password: 'x', myToken: 'y', ok: 1 })]),
    });
    expect(redactor.value(input)).to.deep.equal({
      a: [{ password: '[REDACTED]', myToken: '[REDACTED]', ok: 1 }],
    });
    expect(input.a[0]?.password).to.equal('x');
  });

  it('has overrides by tool, which add to lists and replace the rest', () => {
    const redactor = createRedactor({
      redactPatterns: ['iban'],
      tools: { pay: { redactPatterns: ['note'], replacement: 'drop' }, raw: { defaults: false } },
    });
    const value = { iban: 1, note: 2, password: 3 };
    expect(redactor.value(value)).to.deep.equal({ iban: '[REDACTED]', note: 2, password: '[REDACTED]' });
    expect(redactor.value(value, 'pay')).to.deep.equal({});
    expect(redactor.value(value, 'raw')).to.deep.equal({ iban: '[REDACTED]', note: 2, password: 3 });
    expect(redactor.value(value, 'constructor')).to.deep.equal(redactor.value(value));
    expect(redactor.record(draftRecord({ tool_arguments: value })).mcp?.tool_arguments).to.deep.equal({});
  });
});

describe('[attack 17] keyed tokens', () => {
  it('are HMAC-SHA-256 of the text, stable for one key and different for another', () => {
    const one = createRedactor({ replacement: 'hmac', hmacKey });
    const other = createRedactor({ replacement: 'hmac', hmacKey: Buffer.from('o'.repeat(32)) });
    expect(one.value({ password: 'x' })).to.deep.equal({ password: token('x') });
    expect(one.value({ password: 'x' })).to.deep.equal(one.value({ password: 'x' }));
    expect(other.value({ password: 'x' })).to.deep.equal({ password: token('x', 'o'.repeat(32)) });
    expect(one.value({ account_number: 12, secret: 12n, text: 'password=12' })).to.deep.equal({
      account_number: token('12'),
      secret: token('12'),
      text: `password=${token('12')}`,
    });
  });

  it('of a card number are of its digits alone, and never beside a truncated number', () => {
    const redactor = createRedactor({ replacement: 'hmac', hmacKey });
    const digits = '4111111111111111';
    expect(redactor.value(['4111 1111 1111 1111', '4111-1111-1111-1111', Number(digits)])).to.deep.equal(
      Array(3).fill(token(digits)),
    );
    const text = redactor.text(`paid with ${digits} today`);
    expect(text).to.equal(`paid with ${token(digits)} today`);
    expect(text).not.to.match(/411111|1111 /);
  });

  it('are never made of card verification codes and PINs, nor of objects', () => {
    const redactor = createRedactor({ replacement: 'hmac', hmacKey });
    expect(redactor.value({ cvv: '123', pin: 1234, credentials: { a: 1 }, text: 'cvv=123' })).to.deep.equal({
      cvv: '[REDACTED]',
      pin: '[REDACTED]',
      credentials: '[REDACTED]',
      text: 'cvv=[REDACTED]',
    });
  });

  it('are not made of tokens again', () => {
    const redactor = createRedactor({ replacement: 'hmac', hmacKey });
    const once = redactor.value({
      password: 'x',
      note: `Bearer ${secretSamples()['github']}`,
      header: 'Authorization: Basic YTpi',
    });
    expect(redactor.value(once)).to.deep.equal(once);
  });

  for (const key of [undefined, '', 'short', Buffer.alloc(31), 7] as unknown[]) {
    it(`need a key of 32 bytes: ${typeof key}`, () => {
      expect(() => createRedactor({ replacement: 'hmac', hmacKey: key } as RedactionOptions)).to.throw(
        ConfigError,
        'hmacKey',
      );
    });
  }
});

describe('dropping', () => {
  it('takes the key with the value, and leaves a mark where a hole would move neighbours', () => {
    const redactor = createRedactor({ replacement: 'drop' });
    const { aws } = secretSamples();
    expect(
      redactor.value({ password: 1, list: ['a', aws], argv: ['--token', 'x'], text: 'token=1' }),
    ).to.deep.equal({
      list: ['a', '[DROPPED]'],
      argv: ['--token', '[DROPPED]'],
      text: 'token=[DROPPED]',
    });
  });
});

describe('a custom function', () => {
  it('sees each scalar with its path and context, and decides', () => {
    const seen: unknown[] = [];
    const redactor = createRedactor({
      custom: (value, path, context) => {
        seen.push([value, path, context.toolName]);
        if (path.endsWith('.hide')) return undefined;
        return path.endsWith('.change') ? 'changed, password=x' : value;
      },
    });
    expect(redactor.value({ a: [1], hide: 'x', change: 2, password: 3 }, 'pay')).to.deep.equal({
      a: [1],
      hide: '[REDACTED]',
      change: 'changed, password=[REDACTED]',
      password: '[REDACTED]',
    });
    expect(seen).to.deep.equal([
      [1, 'mcp.tool_arguments.a.0', 'pay'],
      ['x', 'mcp.tool_arguments.hide', 'pay'],
      [2, 'mcp.tool_arguments.change', 'pay'],
    ]);
  });

  it('[attack 18] that throws or returns no scalar costs the value, never the record', () => {
    const redactor = createRedactor({
      custom: (value) => {
        if (value === 'throw') throw new Error('secret in here');
        return value === 'object' ? {} : value;
      },
    });
    const record = redactor.record(draftRecord({ tool_arguments: { a: 'throw', b: 'object', c: 'ok' } }));
    expect(record.mcp?.tool_arguments).to.deep.equal({
      a: '[REDACTION FAILED]',
      b: '[REDACTION FAILED]',
      c: 'ok',
    });
    expect(record.record_id).to.equal(draftRecord().record_id);
  });
});

describe('[attack 18] a redactor that fails', () => {
  it('keeps no free value of a record that it cannot judge at all', () => {
    const redactor = createRedactor({ levels: { events: { EVENT_TOOL_INVOCATION: 'None' } } });
    const draft = {
      ...draftRecord({ tool_arguments: { note: 'secret' } }),
      message: 'secret',
      data: { note: 'secret' },
    };
    const record = redactor.record({ ...draft, resource: null as never });
    expect(record).to.include({ record_id: draft.record_id, message: '[REDACTION FAILED]' });
    expect(JSON.stringify(record)).not.to.contain('"secret"');
  });

  it('keeps the record and marks what it could not redact', () => {
    const original = String.prototype.toLowerCase;
    const redactor = createRedactor();
    let record;
    try {
      // A fault in our own machinery that no input can cause: judging a new key calls this.
      String.prototype.toLowerCase = () => {
        throw new Error('broken');
      };
      record = redactor.record(draftRecord({ tool_arguments: { never_seen_before: 'secret' } }));
    } finally {
      String.prototype.toLowerCase = original;
    }
    expect(record.mcp?.tool_arguments).to.equal('[REDACTION FAILED]');
    expect(record.actor_id).to.equal('user-1');
    expect(record.outcome).to.equal('OUTCOME_SUCCESS');
  });
});

describe('bad policies', () => {
  const wrong: Record<string, unknown>[] = [
    { redactPattern: [] },
    { redactPatterns: 'password' },
    { redactPatterns: [7] },
    { redactPatterns: [''] },
    { redactPatterns: ['--'] },
    { redactPaths: [7] },
    { redactValues: { jwts: true } },
    { redactValues: { jwt: 'yes' } },
    { redactValues: { patterns: ['x'] } },
    { defaults: 1 },
    { replacement: 'remove' },
    { custom: 'function' },
    { uriPath: 'no' },
    { limits: { depth: 0 } },
    { limits: { totalBytes: 1e6 } },
    { limits: { deep: 3 } },
    { tools: { x: { limits: {} } } },
    { tools: { x: { redactPatterns: [7] } } },
    { tools: 7 },
  ];
  for (const options of wrong) {
    it(`${JSON.stringify(options)} is refused`, () => {
      expect(() => createRedactor(options as RedactionOptions)).to.throw(
        ConfigError,
        Object.keys(options)[0] ?? '',
      );
    });
  }
});
