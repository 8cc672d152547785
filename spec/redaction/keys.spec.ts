import { expect } from 'chai';
import fc from 'fast-check';
import { DEFAULT_KEY_PATTERNS } from '../../lib/redaction/defaults.js';
import { compileKeys, KeyVerdict, splitWords } from '../../lib/redaction/keys.js';

const judge = (patterns: (string | RegExp)[], key: string): KeyVerdict =>
  compileKeys('redactPatterns', patterns, [], () => true)(key).verdict;
const defaults = compileKeys('redactPatterns', [], DEFAULT_KEY_PATTERNS, () => true);

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

  it('judges a key of any length by its ends', () => {
    expect(judge(['secret'], `${'a-'.repeat(5_000)}secret`)).to.equal(KeyVerdict.redact);
    expect(judge(['secret'], `secret-${'a'.repeat(5_000)}`)).to.equal(KeyVerdict.redact);
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
      'key',
      'id',
      'sessionId',
      'pinned',
    ]) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.keep);
    }
    for (const key of ['cvv', 'CVC2', 'cardCvv', 'pin', 'pinBlock']) {
      expect(defaults(key).verdict, key).to.equal(KeyVerdict.mask);
    }
  });

  it('forgets verdicts when it has too many, and still judges alike', () => {
    const keys = compileKeys('redactPatterns', ['secret'], [], () => true);
    for (let index = 0; index < 10_000; index++) keys(`made_up_${index}`);
    expect(keys('my_secret').verdict).to.equal(KeyVerdict.redact);
  });
});
