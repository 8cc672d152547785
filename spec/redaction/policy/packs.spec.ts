import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import type { RedactionOptions } from '../../../lib/redaction/policy/options.js';

const redact = (packs: RedactionOptions['packs'], value: unknown) =>
  createRedactor(packs === undefined ? {} : { packs }).value(value);
const NOTE =
  'DOB 04/12/1961, call +1 212 555 0134 or ada@example.com, pay DE89370400440532013000, NI AB123456C';

describe('redaction: the option `packs`', () => {
  it('is off by default', () => {
    expect(redact(undefined, { note: NOTE })).to.deep.equal({ note: NOTE });
    expect(redact({ phi: false }, { note: NOTE })).to.deep.equal({ note: NOTE });
  });

  it('switches on what each pack knows, and what comes with it', () => {
    expect(redact({ phi: true }, NOTE)).to.equal(
      'DOB [REDACTED], call [REDACTED] or [REDACTED], pay DE89370400440532013000, NI AB123456C',
    );
    expect(redact({ contact: true }, NOTE)).to.equal(
      'DOB 04/12/1961, call [REDACTED] or [REDACTED], pay DE89370400440532013000, NI AB123456C',
    );
    expect(redact({ finance: true, nationalId: true }, NOTE)).to.equal(
      'DOB 04/12/1961, call +1 212 555 0134 or ada@example.com, pay [REDACTED], NI [REDACTED]',
    );
  });

  it('hides the values of their key names, whatever they look like', () => {
    expect(redact({ phi: true }, { mrn: 7, patientName: 'Ada', visit: 'ward 3' })).to.deep.equal({
      mrn: '[REDACTED]',
      patientName: '[REDACTED]',
      visit: 'ward 3',
    });
  });

  it('finds national telephone numbers of the country that is named', () => {
    expect(redact({ contact: true }, 'call (212) 555-0134')).to.equal('call (212) 555-0134');
    expect(redact({ contact: { defaultCountry: 'US' } }, 'call (212) 555-0134')).to.equal('call [REDACTED]');
  });

  it('takes a function in the place of the library', () => {
    const findPhones = (text: string) => [
      { startsAt: text.indexOf('42'), endsAt: text.indexOf('42') + 2 },
      { startsAt: 5, endsAt: 3 },
      { startsAt: 30, endsAt: 1_000 },
    ];
    expect(redact({ contact: { findPhones } }, 'extension number 42 of 1234567')).to.equal(
      'extension number [REDACTED] of 1234567',
    );
  });

  it('may be said for one tool', () => {
    const { value } = createRedactor({ tools: { clinic: { packs: { phi: true } } } });
    expect(value('MRN: 00482913', 'clinic')).to.equal('MRN: [REDACTED]');
    expect(value('MRN: 00482913', 'other')).to.equal('MRN: 00482913');
  });

  it('refuses what it does not know', () => {
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ gdpr: true }, 'packs.gdpr: unknown option'],
      [{ phi: 1 }, 'packs.phi: got number, expected true or false'],
      [{ contact: { country: 'US' } }, 'packs.contact.country: unknown option'],
      [{ contact: { defaultCountry: 'usa' } }, 'expected two capital letters'],
      [{ contact: { findPhones: 'x' } }, 'expected a function'],
      [['phi'], 'expected an options object'],
    ];
    for (const [packs, message] of wrong)
      expect(() => createRedactor({ packs: packs as object })).to.throw(ConfigError, message);
  });
});
