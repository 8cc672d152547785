import { expect } from 'chai';
import { measure, TARGET } from './score/score.js';

describe('what the default policy hides of samples drawn at random', function () {
  this.timeout(60_000);

  for (const seed of [1, 2])
    it(`reaches the target, with seed ${seed}`, () => {
      const { recall, changed, hidden, kept } = measure(seed);
      const wrong = [...hidden, ...kept].flatMap((section) => section.wrong.map(({ kind }) => kind));
      expect(recall, wrong.join('\n')).to.be.at.least(TARGET.recall);
      expect(changed, wrong.join('\n')).to.be.at.most(TARGET.changed);
    });

  it('is measured by samples that a policy without detectors fails', () => {
    const { recall, changed } = measure(1, { defaults: false });
    expect(recall).to.be.below(10);
    expect(changed).to.equal(0);
  });
});
