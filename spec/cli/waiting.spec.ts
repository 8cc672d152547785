import { expect } from 'chai';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { waiting } from '../../lib/cli/term/terminal.js';

describe('a wait in a terminal', () => {
  const io = (isTTY: boolean) => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    return { stdin, stdout, stderr: Object.assign(new PassThrough(), { isTTY }), env: {} };
  };

  it('is told once it is longer than a moment, and the line is removed at its end', async () => {
    const terminal = io(true);
    const done = waiting(terminal, 'Looking');
    const [told] = (await once(terminal.stderr, 'data')) as [Buffer];
    expect(told.toString()).to.equal('\r\u001b[2KLooking…');
    done();
    expect(String(terminal.stderr.read())).to.equal('\r\u001b[2K');
  });

  it('is not told where it is short, nor to a file', () => {
    for (const isTTY of [true, false]) {
      const { stderr, ...rest } = io(isTTY);
      waiting({ stderr, ...rest }, 'Looking')();
      expect(stderr.read()).to.equal(null);
    }
  });
});
