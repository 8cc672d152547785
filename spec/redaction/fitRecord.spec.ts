import { expect } from 'chai';
import { fitRecord, sizeOf } from '../../lib/redaction/fit.js';
import { cutText } from '../../lib/redaction/walk/strings.js';

interface Cut {
  readonly path: string;
}
const cutsOf = (record: Record<string, unknown>) => (record['truncated'] as Cut[]).map(({ path }) => path);

describe('a record that is made to fit', () => {
  it('is left alone if it fits, with what will stand in it later', () => {
    const record = { message: 'm'.repeat(20), data: { a: 'x'.repeat(300) } };
    expect(fitRecord(record, sizeOf(record) + 144)).to.equal(record);
    const cut = fitRecord({ ...record }, sizeOf(record) + 143);
    expect(cutsOf(cut)).to.deep.equal(['data']);
  });

  it('loses of its largest values first', () => {
    const [small, middle] = [{ b: 'y'.repeat(100) }, { c: 'z'.repeat(200) }];
    const given = { message: 'm', data: 'x'.repeat(5_000), mcp: { tool_arguments: small, legs: middle } };
    const record = fitRecord(given, 2_000) as typeof given;
    expect(cutsOf(record)).to.deep.equal(['data']);
    expect([record.mcp.tool_arguments, record.mcp.legs]).to.deep.equal([small, middle]);
    expect(record.data.length).to.be.above(300);
    expect(sizeOf(record)).to.be.at.most(2_000 - 144);
  });

  for (const name of ['data', 'error', 'policy_tags'])
    it(`may lose of ${name}`, () =>
      expect(cutsOf(fitRecord({ [name]: { a: 'x'.repeat(5_000) } }, 2_000))).to.deep.equal([name]));

  const ofMcp = ['tool_arguments', 'prompt_arguments', 'tool_result'];
  for (const name of [...ofMcp, 'client_capabilities', 'server_capabilities', 'legs'])
    it(`may lose of mcp.${name}`, () =>
      expect(cutsOf(fitRecord({ mcp: { [name]: { a: 'x'.repeat(5_000) } } }, 2_000))).to.deep.equal([
        `mcp.${name}`,
      ]));

  it('keeps its names and messages where they take less than half of it', () => {
    const message = 'm'.repeat(600);
    const cuts = Array.from({ length: 6 }, (_, index) => ({ path: `data.${index}` }));
    const record = fitRecord({ message, seq: 5, truncated: cuts, data: 'x'.repeat(5_000) }, 3_000);
    expect([record['message'], record['seq']]).to.deep.equal([message, 5]);
    expect(cutsOf(record)).to.have.length(7);
  });

  it('keeps the beginnings of those that are long where they take more', () => {
    const [short, long] = ['m'.repeat(190), 'm'.repeat(191)];
    const rest = { seq: 5, message: 'm'.repeat(5_000), data: 'x' };
    const record = fitRecord({ short, long, ...rest, mcp: { method: long, tool_name: short } }, 3_000);
    expect(record).to.deep.include({
      ...{ short, long: cutText(long, 191, 32), seq: 5 },
      message: cutText(rest.message, 5_000, 32),
      mcp: { method: cutText(long, 191, 32), tool_name: short },
    });
  });

  it('keeps four of the cuts it knows of then', () => {
    const cuts = Array.from({ length: 6 }, (_, index) => ({ path: `data.${index}` }));
    const record = fitRecord({ message: 'm'.repeat(5_000), truncated: cuts }, 3_000);
    expect(cutsOf(record)).to.deep.equal(['data.0', 'data.1', 'data.2', 'data.3']);
  });
});
