import { expect } from 'chai';
import { redactAssignments } from '../../../lib/redaction/detectors/assignments.js';
import { KeyVerdict } from '../../../lib/redaction/keys/keyNames.js';
import { detectorContext } from '../../support/detectorContext.js';

/** The names that a text is found to give values to. */
function namesIn(text: string): string[] {
  const names: string[] = [];
  const judge = (name: string) => {
    names.push(name);
    return KeyVerdict.keep;
  };
  expect(redactAssignments(text, detectorContext({ judge }))).to.equal(text);
  return names;
}

describe('what is hidden behind a name in a text', () => {
  for (const [text, shown] of [
    ['password=', 'password='],
    ['password=""', 'password=""'],
    ['password=a x=b', 'password=<a> x=b'],
    ['password=token=x', 'password=<token=x>'],
    [
      "INSERT INTO u (name, password) VALUES ('a', 'x'), ('b', 'it''s')",
      "INSERT INTO u (name, password) VALUES ('a', '<x>'), ('b', '<it''s>')",
    ],
    ["insert into c (`cvv`, id) values (N'123', 4)", "insert into c (`cvv`, id) values (N'<mask 123>', 4)"],
    ['INSERT INTO u (name, password) VALUES (?, ?)', 'INSERT INTO u (name, password) VALUES (?, ?)'],
    ["INSERT INTO u (name, note) VALUES ('a', 'x')", "INSERT INTO u (name, note) VALUES ('a', 'x')"],
    ['cvv=123, x=1', 'cvv=<mask 123>, x=1'],
    ['a[password]=x', 'a[password]=<x>'],
    ['a%5Bpassword%5D%3Dx', 'a%5Bpassword%5D%3D<x>'],
    ["'password'='x'", "'password'='<x>'"],
    ['"password" : "x"', '"password" : "<x>"'],
    [`password${' '.repeat(8)}=x`, `password${' '.repeat(8)}=<x>`],
    [`password${' '.repeat(64)}=x`, `password${' '.repeat(64)}=<x>`],
    [`password${' '.repeat(65)}=x`, `password${' '.repeat(65)}=x`],
    [`password${'\\'.repeat(8)}"=x`, `password${'\\'.repeat(8)}"=<x>`],
    [`password${'\\'.repeat(9)}"=x`, `password${'\\'.repeat(9)}"=x`],
    ['password=>x', 'password=><x>'],
    ['password={"a":"}"} x', 'password=<{"a":"}"}> x'],
    ['password=[1,[2]] x', 'password=<[1,[2]]> x'],
    ['password=[1', 'password=<[1>'],
  ] as const)
    it(`is right in ${text}`, () => expect(redactAssignments(text, detectorContext())).to.equal(shown));

  for (const [text, shown] of [
    ['password="a\\"b" c', 'password="<a\\"b>" c'],
    ['password="a\\\\" c', 'password="<a\\\\>" c'],
    ['password="a\\\\\\" c" d', 'password="<a\\\\\\" c>" d'],
    ['{\\"password\\":\\"a b\\",\\"x\\":\\"c\\"}', '{\\"password\\":\\"<a b>\\",\\"x\\":\\"c\\"}'],
    ['password="a b', 'password="<a b>'],
    ['password="a" token="b"', 'password="<a>" token="<b>"'],
  ] as const)
    it(`ends with the quote that it began with: ${text}`, () =>
      expect(redactAssignments(text, detectorContext())).to.equal(shown));

  for (const [text, shown] of [
    ['Authorization: a b\nx', 'Authorization: <a b>\nx'],
    ['Proxy-Authorization: a b', 'Proxy-Authorization: <a b>'],
    ['Set-Cookie: a b', 'Set-Cookie: <a b>'],
    ['x-authorization: a b', 'x-authorization: <a b>'],
    ['authorization-x: a b', 'authorization-x: <a b>'],
    ['cookie-x: a b', 'cookie-x: <a b>'],
    ['Authorization: [REDACTED]', 'Authorization: [REDACTED]'],
    ['Authorization: Bearer [REDACTED]', 'Authorization: Bearer [REDACTED]'],
    ['Authorization: x-some_Scheme [REDACTED]', 'Authorization: x-some_Scheme [REDACTED]'],
    ['Authorization: Bearer [REDACTED] x', 'Authorization: <Bearer [REDACTED] x>'],
    ['Authorization: 9 [REDACTED]', 'Authorization: <9 [REDACTED]>'],
    ['cookie: token"=b', 'cookie: <token>"=b'],
  ] as const)
    it(`is the rest of a header's line, but for what is hidden already: ${text}`, () =>
      expect(redactAssignments(text, detectorContext())).to.equal(shown));
});

describe('a name in a text', () => {
  for (const [text, ...names] of [
    ['=1'],
    ['\x7f=1'],
    ['{abc=1', 'abc'],
    ['[abc=1', 'abc'],
    ['/abc=1', 'abc'],
    [':abc=1', 'abc'],
    ['zZaA09-._$=1', 'zZaA09-._$'],
    ['café=1', 'café'],
    ['a=1 b: 2 c%3D3', 'a', 'b', 'c'],
    ['x%20name=1', 'name'],
    [`${'x'.repeat(200)}=1`, 'x'.repeat(128)],
  ] as const)
    it(`is found in ${text.slice(-30)}: ${names.join(', ').slice(0, 30) || 'none'}`, () =>
      expect(namesIn(text)).to.include.members(names));
});
