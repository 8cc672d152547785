import { expect } from 'chai';
import vm from 'node:vm';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';

const redactor = createRedactor();
const value = (input: unknown): unknown => redactor.value(input);

function trap(): never {
  throw new Error('trap');
}

describe('[attack 11] hostile values', () => {
  it('cycles are marked, shared objects are not', () => {
    const cycle: Record<string, unknown> = { a: 1 };
    cycle['self'] = cycle;
    cycle['list'] = [cycle];
    expect(value(cycle)).to.deep.equal({ a: 1, self: '[Circular]', list: ['[Circular]'] });
    const shared = { x: 1 };
    expect(value([shared, shared])).to.deep.equal([{ x: 1 }, { x: 1 }]);
  });

  it('an object nested 20,000 deep is cut at the depth limit', () => {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 20_000; level++) deep = level % 2 === 0 ? { d: deep } : [deep];
    const json = JSON.stringify(value(deep));
    expect(json).to.contain('[Too deep]').and.not.to.contain('bottom');
  });

  it('references that multiply to 2^40 nodes end', () => {
    let node: unknown = { end: 1 };
    for (let level = 0; level < 30; level++) node = { a: node, b: node, c: node };
    expect(JSON.stringify(value(node)).length).to.be.below(65_536);
  });

  it('throwing getters, proxies and toJSON cost only their own value', () => {
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const hostile = {
      good: 1,
      get bad(): unknown {
        return trap();
      },
      revoked,
      proxy: new Proxy({}, { ownKeys: trap, get: trap, getPrototypeOf: trap, has: trap }),
      array: new Proxy([1], { get: trap }),
      json: { toJSON: trap },
      prototype: Object.create({ toJSON: trap }) as unknown,
      tag: {
        get [Symbol.toStringTag](): string {
          return trap();
        },
      },
      last: 2,
    };
    expect(value(hostile)).to.deep.equal({
      good: 1,
      bad: '[Threw]',
      proxy: '[Threw]',
      array: '[Threw]',
      json: '[Threw]',
      prototype: '[Threw]',
      tag: {},
      last: 2,
      revoked: '[Threw]',
    });
  });

  it('a getter is read once and toJSON asked once', () => {
    let reads = 0;
    let asks = 0;
    const input = {
      get once(): number {
        return ++reads;
      },
      json: {
        toJSON(): object {
          asks++;
          return { toJSON: undefined, password: 'x' };
        },
      },
    };
    expect(value(input)).to.deep.equal({ once: 1, json: { password: '[REDACTED]' } });
    expect([reads, asks]).to.deep.equal([1, 1]);
  });

  it('toJSON that gives ever new objects with toJSON ends', () => {
    const endless = { toJSON: (): unknown => ({ ...endless }) };
    expect(value(endless)).to.equal('[Too deep]');
  });

  it('what JSON has no word for is named', () => {
    class Point {
      x = 1;
      get secret(): string {
        return 'never read';
      }
    }
    expect(
      value({
        bigint: 12n,
        numbers: [NaN, Infinity, -Infinity, -0],
        symbol: Symbol('s'),
        function: trap,
        map: new Map<unknown, unknown>([
          [{ a: 1 }, 1],
          ['k', new Map([['password', 1]])],
        ]),
        set: new Set([1, 'a']),
        date: new Date(0),
        invalid: new Date(NaN),
        regexp: /x/g,
        url: new URL('https://example.com/'),
        bytes: Buffer.from([0, 255]),
        buffer: new ArrayBuffer(3),
        floats: new Float64Array(2),
        promise: Promise.resolve(),
        weak: new WeakMap(),
        boxed: [Object(1), Object('s')],
        instance: new Point(),
        undefined: [undefined],
        null: null,
        realm: vm.runInNewContext(
          '({ password: 1, d: new Date(0), list: [new Map([["token", 1]])] })',
        ) as unknown,
      }),
    ).to.deep.equal({
      bigint: '12n',
      numbers: ['[NaN]', '[Infinity]', '[-Infinity]', -0],
      symbol: '[Symbol]',
      function: '[Function]',
      map: [
        [{ a: 1 }, 1],
        ['k', { password: '[REDACTED]' }],
      ],
      set: [1, 'a'],
      date: '1970-01-01T00:00:00.000Z',
      invalid: '[Invalid Date]',
      regexp: '/x/g',
      url: 'https://example.com/',
      bytes: '[Uint8Array: 2 bytes]',
      buffer: '[ArrayBuffer: 3 bytes]',
      floats: '[Float64Array: 16 bytes]',
      promise: '[Promise]',
      weak: '[Weak collection]',
      boxed: [1, 's'],
      instance: { x: 1 },
      undefined: [null],
      null: null,
      realm: { password: '[REDACTED]', d: '1970-01-01T00:00:00.000Z', list: [{ token: '[REDACTED]' }] },
    });
  });

  it('errors tell message, cause and fellows, redacted', () => {
    const error = new AggregateError([new Error('password=one')], 'token=two', {
      cause: { secret: 'three' },
    });
    const out = value(error) as Record<string, unknown>;
    expect(out['name']).to.equal('AggregateError');
    expect(out['message']).to.equal('token=[REDACTED]');
    expect(out['cause']).to.deep.equal({ secret: '[REDACTED]' });
    expect(JSON.stringify(out)).not.to.match(/=one|=two|three/);
  });

  it('symbol keys are left behind', () => {
    const out = value({ [Symbol('s')]: 'x', a: 1 }) as object;
    expect(Reflect.ownKeys(out)).to.deep.equal(['a']);
  });
});

describe('[attack 10] lone surrogates', () => {
  it('are made well-formed in values, keys, texts and URIs', () => {
    expect(value({ 'k\ud800': 'a\udfffb', ok: '😀' })).to.deep.equal({ 'k\ufffd': 'a\ufffdb', ok: '😀' });
    expect(redactor.text('\ud83d')).to.equal('\ufffd');
    expect(redactor.uri('memo://\ud83d')).to.equal('memo://\ufffd');
  });

  it('never come from a cut', () => {
    const small = createRedactor({ limits: { stringBytes: 256 } });
    for (let shift = 0; shift < 8; shift++) {
      const out = small.value('x'.repeat(shift) + '😀'.repeat(200)) as string;
      expect(Buffer.from(out, 'utf8').toString('utf8')).to.equal(out);
      expect(Buffer.byteLength(out)).to.be.at.most(256);
    }
  });
});

describe('[attack 16] numbers and booleans under a secret key', () => {
  it('are redacted like texts', () => {
    expect(value({ pin: 1234, password: true, token: 0n, secret: {}, otp: [1], cvv: null })).to.deep.equal({
      pin: '[REDACTED]',
      password: '[REDACTED]',
      token: '[REDACTED]',
      secret: '[REDACTED]',
      otp: '[REDACTED]',
      cvv: null,
    });
  });
});
