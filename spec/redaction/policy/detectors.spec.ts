import { expect } from 'chai';
import type { DetectorName } from '../../../lib/redaction/detectors/detector.js';
import { DETECTORS } from '../../../lib/redaction/detectors/table.js';
import { detectorContext } from '../../support/detectorContext.js';

type Name = DetectorName;
const redactBy = (name: Name, text: string): string =>
  DETECTORS.find((detector) => detector.name === name)?.redact?.(text, detectorContext()) ?? '';
const PEM = '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----';
const RSA = PEM.replaceAll('PRIVATE', 'RSA PRIVATE');
const PGP = PEM.replaceAll('PRIVATE KEY', 'PGP PRIVATE KEY BLOCK');
const JWT = 'eyJhbGciOiJIUzI1NiJ9';
const AWS = `AKIA${'A1'.repeat(8)}`;

const TEXTS: Partial<Record<Name, readonly (readonly [text: string, shown: string])[]>> = {
  privateKey: [
    [`a ${PEM} b`, `a <${PEM}> b`],
    [`${PEM}${RSA}\n${PGP}`, `<${PEM}><${RSA}>\n<${PGP}>`],
    ['a -----BEGIN PRIVATE KEY-----\nx', 'a <-----BEGIN PRIVATE KEY-----\nx>'],
    ['the PRIVATE KEY of it', 'the PRIVATE KEY of it'],
    ['-----BEGIN PUBLIC KEY-----', '-----BEGIN PUBLIC KEY-----'],
  ],
  jwt: [
    [`a ${JWT}.e30 b`, `a <${JWT}.e30> b`],
    [`${JWT}.e30.x,${JWT}.e30`, `<${JWT}.e30.x>,<${JWT}.e30>`],
    [`${JWT}.b.c.d.e.f`, `<${JWT}.b.c.d.e>.f`],
    [`${JWT}..c.d.e`, `<${JWT}..c.d.e>`],
    [JWT, JWT],
    ['eyJabcdefghij.k', 'eyJabcdefghij.k'],
    ['eyJabcdefghij.kl', '<eyJabcdefghij.kl>'],
    [`eyJ ${JWT}.e30`, `eyJ <${JWT}.e30>`],
  ],
  authorization: [
    ['Bearer abc123 x', 'Bearer <abc123> x'],
    ['basic \tdXNlcg==,x', 'basic \t<dXNlcg==>,x'],
    ['AWS4-HMAC-SHA256 Credential=x', 'AWS4-HMAC-SHA256 <Credential=x>'],
    ['Bearer authentication required', 'Bearer authentication required'],
    ['Bearer token.', 'Bearer token.'],
    [`Bearer ${'a'.repeat(19)}`, `Bearer ${'a'.repeat(19)}`],
    [`Bearer ${'a'.repeat(20)}`, `Bearer <${'a'.repeat(20)}>`],
    ['Bearer token1.', 'Bearer <token1.>'],
    ['xBearer abc123', 'xBearer abc123'],
    ['"Bearer abc123"', '"Bearer <abc123>"'],
  ],
  providerKey: [
    [`a ${AWS} b`, `a <${AWS}> b`],
    [`x${AWS}`, `x${AWS}`],
    ['https://hooks.slack.com/services/T0/B0/abcdef', 'https://hooks.slack.com/services/<T0/B0/abcdef>'],
    ['https://hooks.slack.com/services/T0', 'https://hooks.slack.com/services/T0'],
  ],
  ssn: [
    ['a 123-45-6789 b', 'a <123-45-6789> b'],
    ['123 45 6789', '<123-45-6789>'],
    ['123-45 6789', '123-45 6789'],
    ['000-45-6789 666-45-6789 900-45-6789', '000-45-6789 666-45-6789 900-45-6789'],
    ['123-00-6789 123-45-0000', '123-00-6789 123-45-0000'],
    ['123-45-67890 1123-45-6789 9-123-45-6789', '123-45-67890 1123-45-6789 9-123-45-6789'],
    ['123-45-6789-1', '123-45-6789-1'],
  ],
  card: [
    ['a 4111 1111-1111 1111 b', 'a <4111111111111111> b'],
    ['4111111111111112', '4111111111111112'],
    ['4111  1111 1111 1111', '4111  1111 1111 1111'],
    ['.4111111111111111 14111111111111111', '.4111111111111111 14111111111111111'],
    ['[4111111111111111 bytes]', '[<4111111111111111> bytes]'],
  ],
  email: [
    ['mail a.b+c@d.example now', 'mail <a.b+c@d.example> now'],
    ['a@b', 'a@b'],
    ['@d.example', '@d.example'],
  ],
};

for (const [name, texts] of Object.entries(TEXTS) as [Name, readonly (readonly [string, string])[]][])
  describe(`the detector ${name}`, () => {
    for (const [text, shown] of texts)
      it(`is right about ${text.slice(0, 60)}`, () => expect(redactBy(name, text)).to.equal(shown));
  });
