import { expect } from 'chai';
import { measure, measurePacks, TARGET } from './score/score.js';

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

describe('what each pack hides of samples drawn at random', function () {
  this.timeout(60_000);

  for (const seed of [1, 2, 3])
    it(`reaches the target, with seed ${seed}`, () => {
      for (const { name, score } of measurePacks(seed).packs) {
        const wrong = [...score.hidden, ...score.kept].flatMap((section) =>
          section.wrong.map(({ kind, value }) => `${kind}: ${JSON.stringify(value)}`),
        );
        expect(score.recall, [name, ...wrong].join('\n')).to.be.at.least(TARGET.recall);
        expect(score.changed, [name, ...wrong].join('\n')).to.be.at.most(TARGET.changed);
      }
    });

  it('is not hidden without the pack', () => {
    for (const { name, score } of measurePacks(1, { packs: {} }).packs)
      expect(score.recall, name).to.be.below(25);
  });
});
