import { expect } from 'chai';
import { encodeLine } from '../../lib/codecs/json.js';
import { createRedactor } from '../../lib/redaction/createRedactor.js';
import { encodedSize, prune, sizeOf } from '../../lib/redaction/fit.js';
import { cutText } from '../../lib/redaction/walk/strings.js';
import { numbered } from '../support/drafts.js';
import { draftRecord } from '../support/draftRecord.js';
import { sha256 } from '../support/sha256.js';

describe('the size of a text on a line', () => {
  // First and last of each range, and their neighbours.
  const sizes: [bytes: number, codes: number[]][] = [
    [6, [0x00, 0x1f, 0x7f, 0x80, 0x9f, 0xad, 0x61c, 0x180e, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f]],
    [6, [0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfeff, 0xffff]],
    [1, [0x20, 0x7e]],
    [2, [0xa0, 0xac, 0xae, 0x61b, 0x61d, 0x7ff]],
    [3, [0x800, 0x180d, 0x180f, 0x200a, 0x2010, 0x2027, 0x202f, 0x205f, 0x2070, 0xd7ff, 0xe000, 0xfefe]],
  ];
  for (const [bytes, codes] of sizes)
    it(`is ${bytes} for ${codes.map((code) => code.toString(16)).join(', ')}`, () => {
      for (const code of codes)
        expect(encodedSize(String.fromCharCode(code)), code.toString(16)).to.equal(bytes);
    });

  it('adds up', () => {
    expect(encodedSize('')).to.equal(0);
    expect(encodedSize('aé€\n')).to.equal(1 + 2 + 3 + 6);
  });

  it('is never less than what the codec writes', () => {
    const line = (message: string) => Buffer.byteLength(encodeLine(numbered(0, { message })));
    const empty = line('');
    for (let code = 0; code < 0xd800; code++) {
      const char = String.fromCharCode(code);
      if (line(char) - empty > encodedSize(JSON.stringify(char)) - 2) expect.fail(`U+${code.toString(16)}`);
    }
  });

  it('of a value is that of its JSON', () => {
    expect(sizeOf({ a: 'é' })).to.equal(10);
    expect(sizeOf(undefined)).to.equal(0);
  });
});

describe('a text that is cut', () => {
  // The note takes 13 bytes of 40.
  for (const [title, text, kept] of [
    ['one byte each', 'abcdefgh'.repeat(10), 'abcdefgh'.repeat(3) + 'abc'],
    ['two bytes each', 'é'.repeat(40), 'é'.repeat(13)],
    ['three bytes each', '€'.repeat(26) + 'ab', '€'.repeat(9)],
    ['four bytes each', '😀'.repeat(20), '😀'.repeat(6)],
    ['mixed', `a${'😀'.repeat(19)}bcd`, `a${'😀'.repeat(6)}`],
  ] as const)
    it(`keeps as many characters as fit: ${title}`, () => {
      expect(Buffer.byteLength(text)).to.equal(80);
      const cut = cutText(text, 80, 40);
      expect(cut).to.equal(`${kept}…[80 bytes]`);
      expect(Buffer.byteLength(cut)).to.be.at.most(40);
    });

  it('is only the note where there is room for no more', () => {
    expect(cutText('abcdef', 6, 5)).to.equal('…[6 bytes]');
  });

  it('keeps all there is where that is less', () => {
    expect(cutText('ab', 80, 40)).to.equal('ab…[80 bytes]');
    expect(cutText('😀', 80, 40)).to.equal('😀…[80 bytes]');
  });

  it('keeps no half of a marker', () => {
    expect(cutText(`${'x'.repeat(20)}[REDACTED]${'y'.repeat(50)}`, 80, 40)).to.equal(
      `${'x'.repeat(20)}…[80 bytes]`,
    );
  });
});

describe('a text that is long', () => {
  const keep = (text: string, limits = {}) => {
    const { mcp, truncated } = createRedactor({ limits }).record(draftRecord({ tool_arguments: { text } }));
    return { kept: (mcp?.tool_arguments as { text: string }).text, truncated };
  };

  it('is kept up to its limit, and cut from there on', () => {
    const most = 'é'.repeat(4_096);
    expect(keep(most)).to.deep.equal({ kept: most, truncated: undefined });
    const more = `${most}x`;
    const { kept, truncated } = keep(more);
    expect(truncated).to.deep.equal([
      { path: 'mcp.tool_arguments.text', original_bytes: 8_193, sha256: sha256(more) },
    ]);
    expect(kept).to.match(/^é+…\[8193 bytes\]$/);
    expect(Buffer.byteLength(kept)).to.be.within(8_180, 8_192);
  });

  it('is hashed as a whole where it is searched in stretches, wherever they part', () => {
    const around = 256 * 1024;
    for (const text of [
      'x'.repeat(around + 1),
      `x${'😀'.repeat(around)}`,
      `${'x'.repeat(around - 5_000)} ${'y'.repeat(10_000)}`,
      `${'x'.repeat(around - 2)} \n${'y'.repeat(around)}`,
    ]) {
      const { kept, truncated } = keep(text);
      const bytes = Buffer.byteLength(text);
      expect(truncated?.[0]).to.include({ original_bytes: bytes, sha256: sha256(text) });
      expect(kept, 'half of a pair').not.to.match(/\p{Surrogate}/u);
      expect(kept).to.match(new RegExp(`…\\[${bytes} bytes\\]$`));
      expect(text.startsWith(kept.slice(0, 2_000))).to.equal(true);
    }
  });

  it('hides a secret that stands where two stretches would part', () => {
    const secret = 'AKIAIOSFODNN7EXAMPLE';
    const text = `${'x '.repeat(128 * 1024 - 5)}${secret} ${'y '.repeat(10_000)}`;
    const { truncated } = keep(text);
    expect(truncated?.[0]).to.include({ sha256: sha256(text.replace(secret, '[REDACTED]')) });
  });

  it('is kept as far as it may be searched, and is not hashed if that is not to its end', () => {
    const words = 'word '.repeat(80_000);
    const { kept, truncated } = keep(words, { scanUnits: 300_000 });
    expect(kept).to.match(/^word word .*…\[400000 bytes\]$/);
    expect(truncated).to.deep.equal([{ path: 'mcp.tool_arguments.text', original_bytes: 400_000 }]);
    expect(keep(words, { scanUnits: 400_000 }).truncated?.[0]).to.have.property('sha256', sha256(words));
  });

  it('is not kept where even its beginning may not be searched', () => {
    expect(keep('word '.repeat(2_000), { scanUnits: 9_999 }).kept).to.equal('…[10000 bytes]');
    expect(keep('word '.repeat(2_000), { scanUnits: 10_000 }).kept).to.match(/^word word /);
  });
});

describe('a value that is pruned', () => {
  it('keeps its beginning, and says how much is gone', () => {
    const value = Array.from({ length: 100 }, (_, index) => `entry ${index}`);
    const { value: kept, sizes } = prune(value, 500);
    const json = JSON.stringify(value);
    expect(sizes).to.deep.equal({ original_bytes: Buffer.byteLength(json), sha256: sha256(json) });
    const entries = kept as string[];
    expect(entries.slice(0, -1)).to.deep.equal(value.slice(0, entries.length - 1));
    expect(entries.at(-1)).to.equal(`…[${100 - entries.length + 1} more]`);
    expect(sizeOf(kept)).to.be.within(250, 500);
  });

  it('does so within objects, too', () => {
    const value = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key${index}`, index]));
    const kept = prune(value, 500).value as Record<string, unknown>;
    const names = Object.keys(kept);
    expect(names.slice(0, -1)).to.deep.equal(Object.keys(value).slice(0, names.length - 1));
    expect(kept['…']).to.equal(`…[${100 - names.length + 1} more]`);
    expect(sizeOf(kept)).to.be.within(250, 500);
  });

  it('cuts a text rather than leaving it out', () => {
    for (const text of ['x'.repeat(5_000), '\u0001'.repeat(5_000), '😀'.repeat(2_000)]) {
      const kept = prune({ text, after: 1 }, 1_000).value as { text: string };
      expect(kept.text).to.match(/^(?:x+|\u0001+|(?:😀)+)…\[\d+ bytes\]$/u);
      expect(sizeOf(kept)).to.be.within(200, 1_000);
    }
  });

  it('stays as it is where it fits', () => {
    const value = { a: [1, null, true], b: { c: 'text' }, d: 0.5 };
    expect(prune(value, 1_000).value).to.deep.equal(value);
  });
});

describe('a record that is too long', () => {
  it('loses of its largest value what does not fit, and nothing of the others', () => {
    const large = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`key${index}`, 'y'.repeat(1_000)]),
    );
    const small = { note: 'x'.repeat(2_000) };
    const record = createRedactor().record(draftRecord({ tool_arguments: large }, { data: small }));
    expect(record.data).to.deep.equal(small);
    expect(record.actor_id).to.equal('user-1');
    const kept = record.mcp?.tool_arguments as Record<string, string>;
    expect(kept['key0']).to.equal('y'.repeat(1_000));
    expect(kept['…']).to.match(/^…\[\d+ more\]$/);
    expect(record.truncated?.map(({ path }) => path)).to.include('mcp.tool_arguments');
    expect(sizeOf(record)).to.be.within(50_000, 65_535 - 64);
  });
});
