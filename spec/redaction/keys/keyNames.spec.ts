import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '../../../lib/errors.js';
import { DEFAULT_KEY_PATTERNS } from '../../../lib/redaction/keys/nameLists.js';
import { compileKeys, KeyVerdict, splitWords } from '../../../lib/redaction/keys/keyNames.js';

const judge = (patterns: (string | RegExp)[], key: string): KeyVerdict =>
  compileKeys('redactPatterns', patterns, [], () => true)(key).verdict;
const defaults = compileKeys('redactPatterns', [], DEFAULT_KEY_PATTERNS, () => true);

const judgeOf = (patterns: unknown[], names: string[] = []) =>
  compileKeys('here', patterns, names, (key) => key === 'plain');

describe('key patterns', () => {
  it('splits keys into words, whatever their spelling', () => {
    for (const key of ['xApiKey', 'x_api_key', 'X-API-KEY', 'x.api.key', 'XAPIKey', 'x api key']) {
      expect(splitWords(key).join(''), key).to.equal('xapikey');
    }
    expect(splitWords('accessToken2URL')).to.deep.equal(['access', 'token', '2', 'url']);
    expect(splitWords('user[password]')).to.deep.equal(['user', 'password']);
    expect(splitWords('contraseña')).to.deep.equal(['contraseña']);
  });

  it('splits a plain key as the rule for all of Unicode does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (key) => {
        expect(splitWords(key)).to.deep.equal(splitWords(`${key} ñ`).slice(0, -1));
      }),
    );
  });

  for (const key of [
    'token',
    'accessToken',
    'auth_token',
    'AUTH-TOKEN',
    'token.value',
    'tokens',
    'accessTokens',
    'token2',
    'tokenGithub',
  ]) {
    it(`token hits ${key}`, () => expect(judge(['token'], key)).to.equal(KeyVerdict.redact));
  }

  for (const key of [
    'token_count',
    'max_tokens',
    'maxTokens',
    'tokenLimit',
    'completion_tokens',
    'tokens_per_minute',
    'token_type',
    'tokenizer',
    'totoken',
    'accesstokens2x',
  ]) {
    it(`[attack 19] token does not hit ${key}`, () =>
      expect(judge(['token'], key)).to.equal(KeyVerdict.keep));
  }

  it('matches names of several words however they are joined', () => {
    for (const key of [
      'apikey',
      'api_key',
      'apiKey',
      'API-KEY',
      'x-api-key',
      'openai_api_key',
      'apiKeys',
      'apiKeyValue',
    ]) {
      expect(judge(['api key'], key), key).to.equal(KeyVerdict.redact);
    }
    expect(judge(['api_key'], 'key_api')).to.equal(KeyVerdict.keep);
    expect(judge(['password'], 'passWord')).to.equal(KeyVerdict.redact);
  });

  it('is not fooled by full-width letters or invisible characters', () => {
    expect(judge(['password'], 'ｐａｓｓｗｏｒｄ')).to.equal(KeyVerdict.redact);
    expect(judge(['password'], 'pass\u200bword')).to.equal(KeyVerdict.redact);
  });

  it('matches regular expressions against the key as it is', () => {
    expect(judge([/token$/i], 'accessToken')).to.equal(KeyVerdict.redact);
    expect(judge([/token$/], 'accessToken')).to.equal(KeyVerdict.keep);
    expect(judge([/^x-/], 'x-anything')).to.equal(KeyVerdict.redact);
  });

  it('has defaults that hit secrets and leave their descriptions', () => {
    for (const key of [
      'password',
      'pwd',
      'db_password',
      'passwordHash',
      'client_secret',
      'x-api-key',
      'Authorization',
      'Set-Cookie',
      'awsSecretAccessKey',
      'privateKey',
      'ssn',
      'cardNumber',
      'refresh_token',
      'PGPASSWORD',
    ]) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.redact);
    }
    for (const key of [
      'user',
      'query',
      'path',
      'author',
      'keyboard',
      'monkey',
      'secretary',
      'passwordPolicy',
      'token_count',
      'auth_url',
      'api_key_name',
      'compass',
      'id',
      'sessionId',
      'pinned',
    ]) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.keep);
    }
    for (const key of ['key', 'coinapi_key', 'rails.key', 'X-Signature', 'datadog', 'newRelicLicense']) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.ifRandom);
    }
    for (const key of ['sort_key', 'publicKey', 'sentryRelease', 'eos_token', 'token_ids', 'has_password']) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.keep);
    }
    for (const key of ['dbpassword', 'hapikey', 'APP_KEY', 'authtoken']) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.redact);
    }
    for (const key of ['cvv', 'CVC2', 'cardCvv', 'pin', 'pinBlock']) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.mask);
    }
  });
});

describe('a judge of keys', () => {
  it('knows names, the plural, and what only describes or counts', () => {
    const judge = judgeOf([], ['token', 'cvv', 'api key']);
    const verdicts = (...keys: string[]) => keys.map((key) => judge(key).verdict);
    expect(verdicts('token', 'tokens', 'xToken', 'API-KEYS', 'x.apikey')).to.deep.equal([1, 1, 1, 1, 1]);
    expect(verdicts('max_tokens', 'token_count', 'cvv2_policy', 'tok', 'tokenss', '')).to.deep.equal([
      ...[0, 0, 0, 0, 0, 0],
    ]);
    expect(verdicts('cvv', 'cvv2', 'token_cvv', 'cvv_token')).to.deep.equal([2, 2, 2, 2]);
  });

  it('asks expressions where no name matches', () => {
    const judge = judgeOf([/^x\d$/, 'colour']);
    expect(['x1', 'x', 'colour', 'plain'].map((key) => judge(key).verdict)).to.deep.equal([1, 0, 1, 0]);
    expect(['x1', 'plain'].map((key) => judge(key).plain)).to.deep.equal([false, true]);
  });

  it('looks at both ends of a long key', () => {
    const judge = judgeOf([], ['password', 'cvv']);
    const rest = 'x '.repeat(5_000);
    const keys = [`password ${rest}`, `${rest}password`, `${rest}password ${rest}`, `cvv ${rest}password`];
    expect(keys.map((key) => judge(key).verdict)).to.deep.equal([1, 1, 0, 2]);
    const longest = `${'x '.repeat(124)}password`;
    expect([judge(longest).verdict, judge(`x${longest}`).verdict]).to.deep.equal([1, 1]);
  });

  it('remembers some thousands of keys of usual length', () => {
    const judge = judgeOf([]);
    const first = judge('first');
    expect(judge('first')).to.equal(first);
    const long = 'x'.repeat(257);
    expect(judge(long)).not.to.equal(judge(long));
    for (let n = 0; n < 4_095; n++) judge(`key ${n}`);
    expect(judge('first')).to.equal(first);
    judge('one more');
    expect(judge('first')).not.to.equal(first);
    expect(judge('first')).to.deep.equal(first);
  });

  it('is made of names and expressions', () => {
    for (const patterns of [['--'], [''], [5], [null]])
      expect(() => judgeOf(patterns), String(patterns)).to.throw(ConfigError, 'here');
    expect(() => judgeOf(['a', ''])).to.throw(ConfigError, 'here[1]');
    expect(() => judgeOf(['a', /(?=x)/])).to.throw(ConfigError, 'here[1]');
  });
});
