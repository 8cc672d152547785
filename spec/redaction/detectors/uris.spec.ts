import { expect } from 'chai';
import { redactUri, redactUris } from '../../../lib/redaction/detectors/credentials.js';
import { detectorContext } from '../../support/detectorContext.js';

const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

describe('what is hidden of the URIs in a text', () => {
  for (const [text, shown] of [
    ['see h://h/?password=abc now', 'see h://h/?password=<abc> now'],
    ['see //u:p@h/ now', 'see //<u:p>@h/ now'],
    ['see \\\\u:p@h\\ now', 'see \\\\<u:p>@h\\ now'],
    ['a.//h/?password=abc', 'a.//h/?password=abc'],
    ['/x?password=abc', '/x?password=abc'],
    ['mail u:p1@h now', 'mail <u:p1>@h now'],
    ['mail u:p@h.example now', 'mail <u:p>@h.example now'],
    ['user:group@host is chown syntax', 'user:group@host is chown syntax'],
    [
      'at 10:30@office, mailto:a@b.example, nginx:1.25@sha256:ab',
      'at 10:30@office, mailto:a@b.example, nginx:1.25@sha256:ab',
    ],
    ['postgres://ada:p#w?@h/db', 'postgres://<ada:p#w?>@h/db'],
    ['https://h/cb?code=dgFQy2UG4Fws7h&state=x', 'https://h/cb?code=<dgFQy2UG4Fws7h>&state=x'],
    ['https://h/?code=de', 'https://h/?code=de'],
    ['git+ssh://git@h.example/a.git', 'git+ssh://git@h.example/a.git'],
    ['https://h/?x=password', 'https://h/?x=password'],
    ['https://h/?pass%77ord=a%62c', 'https://h/?pass%77ord=<abc>'],
    ['https://h/?password=a+b', 'https://h/?password=<a b>'],
    ['https://h/?password=%zz', 'https://h/?password=<%zz>'],
    ['https://h/?password=', 'https://h/?password='],
    ['https://h/?a=1;password=b&cvv=c', 'https://h/?a=1;password=<b>&cvv=<mask c>'],
    ['https://h/#password=a&b', 'https://h/#password=<a>&b'],
    // A text that was cut before the `@`.
    ['see db://ada:x7Kq2mW9rT', 'see db://ada:<x7Kq2mW9rT>'],
    ['see http://localhost:8080', 'see http://localhost:8080'],
    ['see docker://nginx:1.25-alpine', 'see docker://nginx:1.25-alpine'],
    [`file:///hmac-sha256:${HASH}`, `file:///hmac-sha256:${HASH}`],
  ] as const)
    it(`is right in ${text}`, () => expect(redactUris(text, detectorContext())).to.equal(shown));
});

describe('what is hidden of a URI as a whole', () => {
  const whole = detectorContext({ wholeUris: true });
  for (const [uri, shown] of [
    ['https://h/a/b', 'https://h/a/b'],
    ['https://h/a?x=1&y', 'https://h/a?x=<1>&<y>'],
    ['memo:x#', 'memo:x#'],
    ['memo:x#a&b', 'memo:x#<a&b>'],
    ['memo:x#a=1', 'memo:x#a=<1>'],
    ['https://u@h?', 'https://<u>@h?'],
  ] as const)
    it(`is every value of ${uri}`, () => expect(redactUri(uri, whole)).to.equal(shown));

  const paths = detectorContext({ wholeUris: true, uriPaths: true });
  for (const [uri, shown] of [
    ['file:///a/b', 'file:///<a/b>'],
    ['https://h/', 'https://h/'],
    ['https://h', 'https://h'],
    ['memo:insights', 'memo:<insights>'],
  ] as const)
    it(`is the path of ${uri}, where that is asked for`, () => expect(redactUri(uri, paths)).to.equal(shown));

  it('is no path where only whole URIs have one', () =>
    expect(redactUri('https://h/a?password=b', detectorContext({ uriPaths: true }))).to.equal(
      'https://h/a?password=<b>',
    ));
});
