import { PassThrough, Writable } from 'node:stream';
import { expect } from 'chai';
import { OrderedWriter } from '../../lib/relay/orderedWriter.js';

/** Bytes that are ready when the test says so. */
function later(): { readonly bytes: Promise<Buffer | undefined>; give(text: string | undefined): void } {
  let give: (bytes: Buffer | undefined) => void = () => undefined;
  const bytes = new Promise<Buffer | undefined>((resolve) => (give = resolve));
  return { bytes, give: (text) => give(text === undefined ? undefined : Buffer.from(text)) };
}

describe('an ordered writer', () => {
  it('writes by place, whatever is ready first, and leaves out what is not to pass', async () => {
    const target = new PassThrough();
    const writer = new OrderedWriter(target, new PassThrough());
    const [first, second, third] = [later(), later(), later()];
    for (const { bytes } of [first, second, third]) writer.write(bytes, 1);
    third.give('c');
    second.give(undefined);
    await second.bytes;
    expect(target.read()).to.equal(null);
    first.give('a');
    await writer.settled;
    expect(String(target.read())).to.equal('ac');
  });

  it('rests its source while much waits for its turn', async () => {
    const source = new PassThrough();
    const writer = new OrderedWriter(new PassThrough({ highWaterMark: 1e8 }), source);
    const { bytes, give } = later();
    writer.write(bytes, 2_000_000);
    expect(source.isPaused()).to.equal(true);
    give('a');
    await writer.settled;
    expect(source.isPaused()).to.equal(false);
  });

  it('rests its source while its target takes no more, and no longer once that is gone', async () => {
    const source = new PassThrough();
    const stuck = new Writable({ highWaterMark: 1, write: () => undefined });
    const writer = new OrderedWriter(stuck, source);
    writer.write(Promise.resolve(Buffer.from('ab')), 2);
    await writer.settled;
    expect(source.isPaused()).to.equal(true);
    stuck.destroy();
    await new Promise((resolve) => stuck.once('close', resolve));
    expect(source.isPaused()).to.equal(false);
  });
});
