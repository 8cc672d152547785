import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Child } from '../support/child.js';

/** From its sources: it tells the frames of its own file from those of the library's files. */
const CALLERS = fileURLToPath(new URL('../support/children/stackTraces.ts', import.meta.url));

interface Shown {
  readonly failure: string;
  readonly callers: readonly string[];
}

/** The callers that the errors of a process show, by what failed; and the limit of stacks as it is at the end. */
async function shownIn(
  how: 'bare' | 'withLogging' | 'provider',
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { code, lines, stderr } = await new Child(CALLERS, { how }, { node: ['--import', 'tsx'] }).ended;
  if (code !== 0) throw new Error(stderr);
  const shown = lines.map((line) => JSON.parse(line) as Shown);
  return new Map(shown.map(({ failure, callers }) => [failure, callers]));
}

describe('the stack of an error', () => {
  let bare: ReadonlyMap<string, readonly string[]>;
  before(async () => (bare = await shownIn('bare')));

  for (const how of ['withLogging', 'provider'] as const) {
    it(`shows all callers that it shows without us, on both SDKs (${how})`, async () => {
      const shown = await shownIn(how);
      expect([...shown.keys()]).to.deep.equal([...bare.keys()]);
      for (const [failure, callers] of bare)
        expect(shown.get(failure)?.slice(0, callers.length), failure).to.deep.equal(callers);
      expect(bare.get('a connection that is closed (v1)')).to.include.members(['first', 'fifth']);
    });
  }
});
