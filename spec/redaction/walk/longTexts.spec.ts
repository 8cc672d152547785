import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';

const SECRET = 'password=Tr0ub4dor3xyz';

describe('a secret in a long text', () => {
  const redactor = createRedactor({});
  const hidden = (before: number, after: number): boolean =>
    !redactor.text(`${'x '.repeat(before / 2)}${SECRET}${' y'.repeat(after / 2)}`).includes('Tr0ub4dor3xyz');

  for (const length of [100, 128, 4_096, 8_192, 20_000])
    it(`is found wherever it stands about ${length} characters from the beginning, and what follows is long or short`, () => {
      for (let before = length - 40; before <= length + 4; before += 2)
        for (const after of [0, 6_000]) expect(hidden(before, after), `${before}, ${after}`).to.equal(true);
    });

  it('is found at the end of a text in letters beyond ASCII', () => {
    expect(redactor.text(`${'é世界 '.repeat(2_000)}${SECRET}`)).to.not.include('Tr0ub4dor3xyz');
  });
});
