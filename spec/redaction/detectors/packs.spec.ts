import { expect } from 'chai';
import fc from 'fast-check';
import type { DetectorContext, Pack } from '../../../lib/redaction/detectors/detector.js';
import { luhn, mod11And2, mod97, verhoeff, FINANCE } from '../../../lib/redaction/detectors/finance.js';
import { CONTACT, PHI } from '../../../lib/redaction/detectors/personalData.js';
import { NATIONAL_ID, NATIONAL_IDS } from '../../../lib/redaction/detectors/nationalId.js';

const context = { hide: () => '▮' } as unknown as DetectorContext;
const by = (pack: Pack) => (text: string) =>
  pack.detectors.reduce((rest, { redact }) => redact?.(rest, context) ?? rest, text);

/** What is found, with what becomes of it; none is a real person's, all are examples of the issuers or made for tests. */
const FOUND: readonly (readonly [Pack, string, string])[] = [
  [PHI, 'NPI 1234567893 signed', 'NPI ▮ signed'],
  [PHI, 'prescriber: 1245319599', 'prescriber: ▮'],
  [PHI, 'DEA AB1234563 on file', 'DEA ▮ on file'],
  [PHI, 'card 1EG4-TE5-MK73', 'card ▮'],
  [PHI, 'card 1EG4TE5MK73', 'card ▮'],
  [PHI, 'MRN: 00482913', 'MRN: ▮'],
  [PHI, 'the medical record number is A-4839201', 'the medical record number is ▮'],
  [PHI, 'Patient ID #P1029384', 'Patient ID #▮'],
  [PHI, 'member id XQH123456789', 'member id ▮'],
  [PHI, 'DOB 04/12/1961', 'DOB ▮'],
  [PHI, 'born on March 3, 1984 in', 'born on ▮ in'],
  [PHI, 'date of birth: 1979-11-02', 'date of birth: ▮'],
  [PHI, 'discharged on 12 Feb 2024', 'discharged on ▮'],
  [PHI, 'a 93-year-old patient', 'a ▮-year-old patient'],
  [PHI, 'aged 101', 'aged ▮'],
  [PHI, 'VIN 1M8GDM9AXKP042788', 'VIN ▮'],
  [PHI, "driver's license number: D1234567", "driver's license number: ▮"],
  [CONTACT, 'from 203.0.113.7 at noon', 'from ▮ at noon'],
  [CONTACT, 'from 2001:db8::8a2e:370:7334.', 'from ▮.'],
  [CONTACT, 'lives at 221 North Baker Street, Springfield, IL 62704', 'lives at ▮'],
  [CONTACT, 'P.O. Box 1234', '▮'],
  [CONTACT, 'ZIP 02139-4307', 'ZIP ▮'],
  [FINANCE, 'pay GB82 WEST 1234 5698 7654 32 today', 'pay ▮ today'],
  [FINANCE, 'pay DE89370400440532013000', 'pay ▮'],
  [FINANCE, 'pay AT61 1904 3002 3457 3201 today', 'pay ▮ today'],
  [FINANCE, 'account number: 0012345678', 'account number: ▮'],
  [FINANCE, 'routing number 021000021', 'routing number ▮'],
  [FINANCE, 'sort code 20-00-00', 'sort code ▮'],
  [NATIONAL_ID, 'NI AB 12 34 56 C', 'NI ▮'],
  [NATIONAL_ID, 'NHS number 943 476 5919', 'NHS number ▮'],
  [NATIONAL_ID, 'SIN 046-454-286', 'SIN ▮'],
  [NATIONAL_ID, 'Aadhaar 2341 2341 2346', 'Aadhaar ▮'],
  [NATIONAL_ID, 'PAN ABCPE1234F', 'PAN ▮'],
  [NATIONAL_ID, 'Steuer-ID 86095742719', 'Steuer-ID ▮'],
  [NATIONAL_ID, 'NIR 1 85 05 78 006 084 91', 'NIR ▮'],
  [NATIONAL_ID, 'DNI 12345678Z', 'DNI ▮'],
  [NATIONAL_ID, 'NIE X1234567L', 'NIE ▮'],
  [NATIONAL_ID, 'CF RSSMRA85T10A562S', 'CF ▮'],
  [NATIONAL_ID, 'BSN 111222333', 'BSN ▮'],
  [NATIONAL_ID, '811218-9876', '▮'],
  [NATIONAL_ID, 'HETU 131052-308T', 'HETU ▮'],
  [NATIONAL_ID, 'PESEL 44051401359', 'PESEL ▮'],
  [NATIONAL_ID, 'CPF 529.982.247-25', 'CPF ▮'],
  [NATIONAL_ID, 'CURP HEGG560427MVZRRL04', 'CURP ▮'],
  [NATIONAL_ID, 'RUT 12.345.678-5', 'RUT ▮'],
  [NATIONAL_ID, 'TFN 123 456 782', 'TFN ▮'],
  [NATIONAL_ID, 'NRIC S1234567D', 'NRIC ▮'],
  [NATIONAL_ID, '11010519491231002X', '▮'],
  [NATIONAL_ID, 'TC kimlik no 10000000146', 'TC kimlik no ▮'],
  [NATIONAL_ID, 'AHV 756.9217.0769.85', 'AHV ▮'],
  [NATIONAL_ID, 'ITIN 912-70-1234', 'ITIN ▮'],
];

const KEPT: readonly (readonly [Pack, string])[] = [
  [PHI, 'NPI 1234567890'],
  [PHI, 'order 1717171717 shipped'],
  [PHI, 'part AB1234567'],
  [PHI, 'born in March'],
  [PHI, 'released 2024-02-12'],
  [PHI, 'aged 45'],
  [PHI, '93 years of history'],
  [PHI, 'commit 1M8GDM9A1KP042788'],
  [PHI, 'page 101'],
  [CONTACT, 'version 1.2.3.4567'],
  [CONTACT, 'at 127.0.0.1 and ::1'],
  [CONTACT, 'at 12:30:45'],
  [CONTACT, 'std::vector::size'],
  [CONTACT, 'the main road is closed'],
  [FINANCE, 'GB82 WEST 1234 5698 7654 33'],
  [FINANCE, 'an account of 1999'],
  [FINANCE, 'routing number 123456789'],
  [NATIONAL_ID, 'order 123-456-789'],
  [NATIONAL_ID, 'Aadhaar 2341 2341 2345'],
  [NATIONAL_ID, 'id 12345678A'],
  [NATIONAL_ID, 'run 20240131-1235'],
  [NATIONAL_ID, 'phone 943 476 5919'],
  [NATIONAL_ID, '2024-01-31 10:20:30'],
];

describe('redaction: packs', () => {
  for (const [pack, text, hidden] of FOUND)
    it(`${pack.name} hides ${text}`, () => expect(by(pack)(text)).to.equal(hidden));

  for (const [pack, text] of KEPT)
    it(`${pack.name} keeps ${text}`, () => expect(by(pack)(text)).to.equal(text));

  it('know check digits: changing one digit of a number keeps it', () => {
    const strong: readonly (readonly [Pack, string])[] = [
      [FINANCE, 'DE89370400440532013000'],
      [NATIONAL_ID, '11010519491231002X'],
      [NATIONAL_ID, '529.982.247-25'],
      [NATIONAL_ID, '756.9217.0769.85'],
      [NATIONAL_ID, '2341 2341 2346'],
      [PHI, 'NPI 1234567893'],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...strong),
        fc.nat(40),
        fc.integer({ min: 1, max: 9 }),
        ([pack, text], at, by10) => {
          const places = [...text].flatMap((char, index) => (/\d/.test(char) ? [index] : []));
          const place = places[at % places.length] ?? 0;
          const other = String((Number(text[place]) + by10) % 10);
          const changed = text.slice(0, place) + other + text.slice(place + 1);
          expect(by(pack)(changed), changed).to.equal(changed);
        },
      ),
    );
  });

  it('use the check digits of the standards', () => {
    expect(luhn('79927398713')).to.equal(true);
    expect(luhn('79927398710')).to.equal(false);
    expect(verhoeff('2363')).to.equal(true);
    expect(verhoeff('2364')).to.equal(false);
    expect(mod97('3214282912345698765432161182')).to.equal(1);
    expect(mod11And2('079X'), 'ISO/IEC 7064').to.equal(true);
  });

  it('know more than twenty countries', () => {
    expect(new Set(NATIONAL_IDS.map(({ country }) => country)).size).to.be.greaterThan(20);
  });
});
