import { inspect } from 'node:util';
import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { FieldNotesSink, type FieldNotesSinkOptions } from '../../lib/sinks/http/fieldNotesSink.js';
import { HttpSink, type HttpSinkOptions } from '../../lib/sinks/http/httpSink.js';
import { expectFailure } from '../contract/sinkContract.js';
import { sampleRecord } from '../support/sampleRecords.js';

const endpoint = 'https://audit.example.com/in';
const SECRET = 'hunter2';

/** The option at fault, and what was given. */
const wrongHttp: [option: string, options: unknown][] = [
  ['HttpSink', undefined],
  ['HttpSink', 'https://audit.example.com'],
  ['HttpSink.url', { url: endpoint }],
  ['HttpSink.endpoint', {}],
  ['HttpSink.endpoint', { endpoint: '' }],
  ['HttpSink.endpoint', { endpoint: `::${SECRET}` }],
  ['HttpSink.endpoint', { endpoint: `ftp://audit.example.com/${SECRET}` }],
  ['HttpSink.endpoint', { endpoint: `http://audit.example.com/?key=${SECRET}` }],
  ['HttpSink.endpoint', { endpoint: 'http://localhost.example.com' }],
  ['HttpSink.endpoint', { endpoint: 'http://127.0.0.1.example.com' }],
  ['HttpSink.endpoint', { endpoint: `https://user:${SECRET}@audit.example.com` }],
  ['HttpSink.headers', { endpoint, headers: 'a: b' }],
  ['HttpSink.headers.a', { endpoint, headers: { a: 1 } }],
  ['HttpSink.headers', { endpoint, headers: { authorization: `${SECRET}\r\nx: y` } }],
  ['HttpSink.headers.Content-Type', { endpoint, headers: { 'Content-Type': 'text/plain' } }],
  ['HttpSink.headers.X-Signature', { endpoint, headers: { 'X-Signature': SECRET } }],
  ['HttpSink.format', { endpoint, format: 'xml' }],
  ['HttpSink.profile', { endpoint, profile: '0.3' }],
  ['HttpSink.hmacKey', { endpoint, hmacKey: '' }],
  ['HttpSink.hmacKey', { endpoint, hmacKey: 7 }],
  ['HttpSink.timeoutMs', { endpoint, timeoutMs: 0 }],
  ['HttpSink.timeoutMs', { endpoint, timeoutMs: '5s' }],
  ['HttpSink.batch', { endpoint, batch: 100 }],
  ['HttpSink.batch.size', { endpoint, batch: { size: 100 } }],
  ['HttpSink.batch.maxRecords', { endpoint, batch: { maxRecords: 0 } }],
  ['HttpSink.batch.maxRecords', { endpoint, batch: { maxRecords: 2, framing: 'single' } }],
  ['HttpSink.batch.framing', { endpoint, batch: { framing: 'delimited' } }],
  ['HttpSink.batch.framing', { endpoint, format: 'protobuf', batch: { framing: 'ndjson' } }],
  ['HttpSink.retry.attempts', { endpoint, retry: { attempts: 3 } }],
  ['HttpSink.retry.maxAttempts', { endpoint, retry: { maxAttempts: 0 } }],
  ['HttpSink.deadLetterFile', { endpoint, deadLetterFile: '' }],
  ['HttpSink.onError', { endpoint, onError: 'log' }],
  ['HttpSink.fetch', { endpoint, fetch: {} }],
  ['HttpSink.maxResponseBytes', { endpoint, maxResponseBytes: -1 }],
  ['HttpSink.name', { endpoint, name: ' ' }],
];

const wrongFieldNotes: [option: string, options: unknown][] = [
  ['FieldNotesSink.clientId', {}],
  ['FieldNotesSink.clientSecret', { clientId: 'c' }],
  ['FieldNotesSink.clientId', { clientId: '', clientSecret: SECRET }],
  ['FieldNotesSink.apiKey', { apiKey: SECRET }],
  ['FieldNotesSink.auth', { auth: 'basic' }],
  ['FieldNotesSink.hmacKey', { auth: 'hmac' }],
  ['FieldNotesSink.clientSecret', { auth: 'none', clientSecret: SECRET }],
  ['FieldNotesSink.hmacKey', { clientId: 'c', clientSecret: SECRET, hmacKey: SECRET }],
  [
    'FieldNotesSink.tokenEndpoint',
    { clientId: 'c', clientSecret: SECRET, tokenEndpoint: `http://x/?${SECRET}` },
  ],
  ['FieldNotesSink.requestsPerSecond', { auth: 'none', requestsPerSecond: 0 }],
];

function expectConfigError(make: () => unknown, option: string): void {
  expect(make)
    .to.throw(ConfigError)
    .that.satisfies((error: ConfigError) => {
      expect(error.option).to.equal(option);
      expect(inspect(error)).not.to.contain(SECRET);
      return true;
    });
}

describe('the options of HttpSink', () => {
  for (const [option, options] of wrongHttp)
    it(`${option}: refuses ${JSON.stringify(options)}`, () =>
      expectConfigError(() => new HttpSink(options as HttpSinkOptions), option));

  for (const address of [
    'http://127.0.0.1:1',
    'http://127.9.9.9',
    'http://[::1]:1',
    'http://localhost',
    'http://a.localhost',
  ])
    it(`allows http to ${address}`, () => {
      expect(new HttpSink({ endpoint: address })).to.have.property('name', 'http');
    });
});

describe('the options of FieldNotesSink', () => {
  for (const [option, options] of wrongFieldNotes)
    it(`${option}: refuses ${JSON.stringify(options)}`, () =>
      expectConfigError(() => new FieldNotesSink(options as FieldNotesSinkOptions), option));

  it('asks the environment for no more than it needs, and says what is missing', () => {
    expectConfigError(() => FieldNotesSink.fromEnv({}), 'FieldNotesSink.clientId');
    expect(FieldNotesSink.fromEnv({ LOKRYN_CLIENT_ID: 'c', LOKRYN_CLIENT_SECRET: 's' })).to.have.property(
      'name',
    );
    expect(FieldNotesSink.fromEnv({}, { auth: 'none', name: 'mine' })).to.have.property('name', 'mine');
  });
});

describe('the secrets of a sink', () => {
  it('stand in no error and no listing of it', async () => {
    const sink = new HttpSink({
      endpoint: `https://127.0.0.1:1/${SECRET}?key=${SECRET}`,
      headers: { authorization: `Bearer ${SECRET}` },
      hmacKey: SECRET,
      retry: { maxAttempts: 1 },
      fetch: async () => {
        throw new TypeError(`fetch failed for https://127.0.0.1:1/${SECRET}`, { cause: new Error(SECRET) });
      },
    });
    const error = expectFailure(await sink.emit([sampleRecord()]), 'retryable');
    expect(error.message).to.equal('POST to https://127.0.0.1:1 failed: FETCH_FAILED');
    const oauth = new FieldNotesSink({ clientId: 'c', clientSecret: SECRET });
    for (const shown of [error, sink, oauth])
      expect(inspect(shown, { depth: 9, showHidden: true })).not.to.contain(SECRET);
  });
});
