import { expect } from 'chai';
import { describeDifference } from '../../../lib/integrity/verification/comparison.js';
import { leafHash } from '../../../lib/integrity/tlog/merkle.js';

/** The hashes of lines that are named by one letter each. */
const hashes = (letters: string) => [...letters].map((letter) => leafHash(Buffer.from(letter)));

/** What is told of a log whose record 10 should have been the first of `sealed`, and is the first of `found`. */
function told(sealed: string, found: string, before = 'z') {
  const [hash] = hashes(before);
  return describeDifference(10, hashes(found), hashes(sealed), hash);
}

describe('integrity: what is told of a difference', () => {
  for (const [what, sealed, found, kind, place] of [
    ['a record is missing', 'abcdef', 'bcdef', 'deleted', 'record 10 was deleted'],
    ['several are missing', 'abcdef', 'def', 'deleted', 'records 10 to 12 were deleted'],
    ['all but the last are missing', 'abc', 'c', 'deleted', 'records 10 to 11 were deleted'],
    ['one is missing, and a later one is another', 'abcdef', 'bcxef', 'deleted', 'record 10 was deleted'],
    ['one is too many, and a later one is another', 'abcdef', 'xabqdef', 'inserted', 'a line was inserted'],
    ['a line is too many', 'abcdef', 'xabcdef', 'inserted', 'a line was inserted before record 10'],
    ['several are too many', 'abc', 'wxyabc', 'inserted', '3 lines were inserted before record 10'],
    ['the line before stands there again', 'abc', 'zabc', 'duplicated', 'record 9 stands there 2 times'],
    [
      'the line before stands there twice more',
      'abc',
      'zzabc',
      'duplicated',
      'record 9 stands there 3 times',
    ],
    ['another line stands there again', 'abc', 'yabc', 'inserted', 'a line was inserted before record 10'],
    [
      'a later line was copied to here',
      'abcdef',
      'dabcdef',
      'inserted',
      'a line was inserted before record 10',
    ],
    ['two records are exchanged', 'abcdef', 'bacdef', 'reordered', 'record 11 is in the place of record 10'],
    ['a record was moved back', 'abcdef', 'cabdef', 'reordered', 'record 12 is in the place of record 10'],
    ['a record was moved on', 'abcdef', 'bcdaef', 'reordered', 'record 11 is in the place of record 10'],
    ['a record is another', 'abcdef', 'xbcdef', 'edited', 'record 10 was edited'],
    ['several are others', 'abcdef', 'wxydef', 'edited', 'records 10 to 12 were edited'],
    ['the last record of the log is another', 'abc', 'x', 'edited', 'record 10 was edited'],
    ['the last record that was sealed is another', 'a', 'xbc', 'edited', 'record 10 was edited'],
    ['nothing is as it was', 'abcdef', 'uvwxyq', 'changed', 'from record 10 on'],
    ['nothing is there', 'abc', '', 'changed', 'at record 10'],
    ['nothing was sealed', '', 'abc', 'changed', 'at record 10'],
  ] as const) {
    it(`names the kind and the records when ${what}`, () => {
      const difference = told(sealed, found);
      expect(difference.kind).to.equal(kind);
      expect(difference.message).to.contain(place);
    });
  }

  it('holds lines that are the same twice for deleted or inserted by what follows them', () => {
    expect(told('abacd', 'bacd').kind).to.equal('deleted');
    expect(told('abcab', 'cabde').kind).to.equal('deleted');
    expect(told('abcab', 'cabcab').kind).to.equal('inserted');
    expect(told('abcab', 'cadef').kind).to.equal('reordered');
  });

  it('names no line before the first record', () => {
    expect(describeDifference(0, hashes('xab'), hashes('ab'), undefined)).to.deep.equal({
      kind: 'inserted',
      message: 'a line was inserted before record 0',
    });
  });
});
