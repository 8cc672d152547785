import { expect } from 'chai';
import express from 'express';
import fc from 'fast-check';
import { clientAddress, resolveHeaders, TrustedProxies } from '../lib/callers.js';
import { resolveOptions } from '../lib/config.js';
import { MemorySink } from './support/memorySink.js';

const TRUSTED = ['loopback', '10.0.0.0/8', '2001:db8::/32', '203.0.113.7'];
const proxies = new TrustedProxies('trustedProxies', TRUSTED);
const client = (peer: string, header?: string, kind: 'x-forwarded-for' | 'forwarded' = 'x-forwarded-for') =>
  clientAddress(peer, header, kind, proxies);

describe('the address of a client', () => {
  it('is the one that Express finds in X-Forwarded-For, by its setting `trust proxy`', () => {
    const app = express().set('trust proxy', TRUSTED);
    const address = fc.oneof(
      fc.constantFrom(
        '127.0.0.1',
        '10.1.2.3',
        '203.0.113.7',
        '203.0.113.8',
        '2001:db8::1',
        '2001:db9::1',
        '::1',
      ),
      fc.ipV4(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(address, fc.array(address, { maxLength: 6 }), (peer, forwarded) => {
        const header = forwarded.length === 0 ? undefined : forwarded.join(', ');
        const members = { socket: { remoteAddress: peer }, headers: { 'x-forwarded-for': header } };
        const request = Object.assign(Object.create(app.request) as express.Request, members);
        expect(client(peer, header)).to.equal(request.ip);
      }),
    );
  });

  for (const [what, peer, header, wanted] of [
    ['the peer where it is no trusted proxy, whatever it says', '198.51.100.1', '1.1.1.1', '198.51.100.1'],
    ['the peer without the header', '127.0.0.1', undefined, '127.0.0.1'],
    ['the last that no trusted proxy has', '127.0.0.1', '1.1.1.1, 2.2.2.2, 10.0.0.1', '2.2.2.2'],
    ['an IPv4 address, however the socket has it', '::ffff:127.0.0.1', '::ffff:2.2.2.2', '2.2.2.2'],
    ['an address without its port', '127.0.0.1', '[2001:db9::1]:4711', '2001:db9::1'],
    ['the proxy, where it does not say who was there', '127.0.0.1', '1.1.1.1, unknown', '127.0.0.1'],
    ['the proxy, where it says nonsense', '127.0.0.1', ',,"', '127.0.0.1'],
  ] as const)
    it(`is ${what}`, () => {
      expect(client(peer, header)).to.equal(wanted);
    });

  // RFC 7239, sections 4, 6.3 and 7.1: examples.
  for (const [header, wanted] of [
    ['for="_gazonk"', '127.0.0.1'],
    ['For="[2001:db9:cafe::17]:4711"', '2001:db9:cafe::17'],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60'],
    ['for=192.0.2.43, for=198.51.100.17', '198.51.100.17'],
    ['for=192.0.2.43, for="10.1.1.1:80"', '192.0.2.43'],
    ['for=192.0.2.43,for=unknown', '127.0.0.1'],
    ['by=1.1.1.1', '127.0.0.1'],
  ] as const)
    it(`is read from Forwarded: ${header}`, () => {
      expect(client('127.0.0.1', header, 'forwarded')).to.equal(wanted);
    });

  it('takes bounded time for a header without end', () => {
    const header = `1.1.1.1,${'10.0.0.1,'.repeat(200_000)}10.0.0.1`;
    expect(client('127.0.0.1', header)).to.equal('10.0.0.1');
  });
});

describe('options about callers', () => {
  for (const given of [
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
    '::/129',
    '1.2.3',
  ])
    it(`refuse what is no address and no range: ${given}`, () => {
      expect(() => new TrustedProxies('trustedProxies', [given])).to.throw(/trustedProxies\[0\].*IP address/);
    });

  it('refuse headers that give access, and what is no header', () => {
    expect(resolveHeaders(['User-Agent', 'x-request-id'])).to.deep.equal(['user-agent', 'x-request-id']);
    for (const name of ['Authorization', 'cookie', 'Proxy-Authorization', 'Mcp-Session-Id'])
      expect(() => resolveHeaders(['accept', name])).to.throw(/recordHeaders\[1\].*never on record/);
    for (const name of ['a b', 'a:', 'ä']) expect(() => resolveHeaders([name])).to.throw(/name of a header/);
  });

  it('are those of a log', () => {
    const base = { sink: new MemorySink(), environment: 'test' };
    expect(() => resolveOptions({ ...base, trustedProxies: ['x'] })).to.throw(/trustedProxies\[0\]/);
    expect(() => resolveOptions({ ...base, recordHeaders: ['cookie'] })).to.throw(/recordHeaders\[0\]/);
    expect(() => resolveOptions({ ...base, forwardingHeader: 'via' as never })).to.throw(/forwardingHeader/);
    expect(resolveOptions(base).settings.forwardingHeader).to.equal('x-forwarded-for');
  });
});
