import { expect } from 'chai';
import {
  DROPPED,
  FAILED,
  isMarker,
  mapBetweenMarkers,
  Marker,
  REDACTED,
  untear,
} from '../../../lib/redaction/text/replacement.js';

const TOKEN = `hmac-sha256:${'0a'.repeat(32)}`;
const upper = (text: string) => text.toUpperCase();

describe('what stands for a secret', () => {
  it('is known as a whole', () => {
    for (const mark of [REDACTED, DROPPED, FAILED, TOKEN]) {
      expect(isMarker(mark), mark).to.equal(true);
      for (const other of [`${mark}x`, `x${mark}`, `[${mark}`, mark.slice(0, -1), `${mark}\n`])
        expect(isMarker(other), other).to.equal(false);
    }
    expect(isMarker('')).to.equal(false);
    expect(isMarker(`hmac-sha256:${'x'.repeat(64)}`)).to.equal(false);
  });

  it('is left alone within a text, as every other mark is', () => {
    for (const mark of [REDACTED, DROPPED, FAILED, TOKEN, ...Object.values(Marker)])
      expect(mapBetweenMarkers(`a${mark}b${mark}`, upper), mark).to.equal(`A${mark}B${mark}`);
  });

  it('is not asked for what stands between two of them when nothing does', () => {
    const parts: string[] = [];
    mapBetweenMarkers(`${REDACTED}${TOKEN}a [b] ${DROPPED}`, (part) => {
      parts.push(part);
      return part;
    });
    expect(parts).to.deep.equal(['a [b] ']);
  });

  for (const [torn, whole] of [
    ['abc [REDAC', 'abc '],
    ['abc [REDACTION FAIL', 'abc '],
    ['abc [', 'abc '],
    ['abc hmac-sha256:', 'abc '],
    ['abc hmac-sha256:0a1', 'abc '],
    ['abc [REDACTED]', 'abc [REDACTED]'],
    ['abc [1', 'abc [1'],
    ['abc hmac-sha256:0a x', 'abc hmac-sha256:0a x'],
    ['abc hmac-sha256:xyz', 'abc hmac-sha256:xyz'],
    [`[${'a'.repeat(100)}`, `[${'a'.repeat(100)}`],
    ['', ''],
  ] as const)
    it(`is not left in halves where a text was cut: ${torn.slice(0, 30)}`, () =>
      expect(untear(torn)).to.equal(whole));
});
