import { expect } from 'chai';
import { passOf } from '../../support/passOf.js';

const R = '[REDACTED]';

describe('the state of redacting a record', () => {
  it('begins with nothing done', () => {
    const pass = passOf();
    expect([pass.wholeUris, pass.renamed, pass.changes, pass.units, pass.slack]).to.deep.equal([
      ...[false, false],
      ...[0, 0, 0],
    ]);
    expect([pass.ancestors, pass.path, pass.cuts, [...pass.secrets]]).to.deep.equal([[], [], [], []]);
  });

  it('counts what it hides, once', () => {
    const pass = passOf();
    expect([pass.hide('x'), pass.hide(R)]).to.deep.equal([R, R]);
    expect(pass.changes).to.equal(1);
  });

  it('leaves nothing of a field to the next', () => {
    const pass = passOf();
    pass.wholeUris = true;
    pass.nesting = 3;
    pass.ancestors.push({}, {});
    pass.endField();
    expect([pass.wholeUris, pass.nesting, pass.ancestors]).to.deep.equal([false, 0, []]);
  });

  it('gives each field something to search', () => {
    const pass = passOf();
    pass.scanLeft = 0;
    pass.startField();
    expect(pass.scanLeft).to.equal(262_144);
    pass.scanLeft = 300_000;
    pass.startField();
    expect(pass.scanLeft).to.equal(300_000);
  });

  it('remembers secrets of 8 to 4,096 units, and 64 of them', () => {
    const pass = passOf();
    for (const secret of ['x'.repeat(7), 'x'.repeat(4_097), R]) pass.secrets.add(secret);
    expect([...pass.secrets]).to.deep.equal([]);
    for (const secret of ['x'.repeat(8), 'x'.repeat(4_096)]) pass.secrets.add(secret);
    expect([...pass.secrets].map(({ length }) => length)).to.deep.equal([8, 4_096]);
    for (let n = 0; n < 70; n++) pass.secrets.add(`secret number ${n}`);
    expect(pass.secrets.size).to.equal(64);
  });

  it('is full when a record is', () => {
    const pass = passOf();
    pass.units = pass.policy.limits.totalBytes;
    expect(pass.full).to.equal(false);
    pass.units++;
    expect(pass.full).to.equal(true);
  });
});
