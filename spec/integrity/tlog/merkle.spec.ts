import { expect } from 'chai';
import fc from 'fast-check';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type * as hashing from '../../../lib/integrity/tlog/merkle.js';
import {
  EMPTY_ROOT,
  hashFromBase64,
  hashToBase64,
  leafHash,
  nodeHash,
  CompactRange,
} from '../../../lib/integrity/tlog/merkle.js';
import { hex, numberedLines, referenceRoot } from '../../support/referenceTree.js';

/** The test vectors that the Certificate Transparency project published with RFC 6962: leaves, and the root after each. */
const VECTORS = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  ['606162636465666768696a6b6c6d6e6f', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
] as const;

describe('integrity: the Merkle tree of RFC 6962', () => {
  it('has the root of the empty tree that SHA-256 of nothing is', () => {
    expect(hex(EMPTY_ROOT)).to.equal('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(new CompactRange().root()).to.equal(EMPTY_ROOT);
  });

  it('gives the published roots', () => {
    const tree = new CompactRange();
    for (const [leaf, root] of VECTORS) {
      tree.append(leafHash(Buffer.from(leaf, 'hex')));
      expect(hex(tree.root())).to.equal(root);
    }
  });

  it('gives the root of the definition at every size up to 130', () => {
    const lines = numberedLines(130);
    const tree = new CompactRange();
    lines.forEach((line, index) => {
      tree.append(leafHash(line));
      expect(hex(tree.root())).to.equal(referenceRoot(lines.slice(0, index + 1)).toString('hex'));
    });
  });

  it('has the same root however the appends are split by saving and restoring', () => {
    const lines = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 });
    fc.assert(
      fc.property(lines, fc.array(fc.boolean(), { minLength: 70, maxLength: 70 }), (leaves, restarts) => {
        let tree = new CompactRange();
        leaves.forEach((leaf, index) => {
          tree.append(leafHash(leaf));
          if (restarts[index]) tree = CompactRange.restore(tree.size, tree.subtrees) ?? expect.fail();
        });
        expect(hex(tree.root())).to.equal(referenceRoot(leaves).toString('hex'));
      }),
    );
  });

  it('is restored at any size, and only with hashes that fit it', () => {
    expect(CompactRange.restore(3, [EMPTY_ROOT])).to.equal(undefined);
    expect(CompactRange.restore(4, [EMPTY_ROOT, EMPTY_ROOT])).to.equal(undefined);
    expect(CompactRange.restore(-1, [])).to.equal(undefined);
    expect(CompactRange.restore(1.5, [EMPTY_ROOT])).to.equal(undefined);
    expect(CompactRange.restore(0, [])?.root()).to.equal(EMPTY_ROOT);
    expect(CompactRange.restore(2 ** 40 + 1, [EMPTY_ROOT, EMPTY_ROOT])?.size).to.equal(2 ** 40 + 1);
  });

  it('tells a leaf from a node of the same bytes', () => {
    const [left, right] = [leafHash(Buffer.of(1)), leafHash(Buffer.of(2))];
    expect(leafHash(Buffer.from(left + right, 'latin1'))).to.not.equal(nodeHash(left, right));
  });

  it('hashes a line longer than its own buffer, and is not disturbed by it', () => {
    const long = Buffer.alloc(1 << 19, 'x');
    const short = Buffer.from('short');
    expect(hex(leafHash(long))).to.equal(referenceRoot([long]).toString('hex'));
    expect(hex(leafHash(short))).to.equal(referenceRoot([short]).toString('hex'));
  });

  it('hashes the same without the one-shot form, which Node has since 20.12', async () => {
    const { hash } = crypto;
    // A query that was never asked for makes the module load anew.
    const path = `../../../lib/integrity/tlog/merkle.js?${Date.now()}`;
    const load = () => import(path) as Promise<typeof hashing>;
    Object.assign(crypto, { hash: undefined });
    syncBuiltinESMExports();
    const older = await load().finally(() => {
      Object.assign(crypto, { hash });
      syncBuiltinESMExports();
    });
    expect(older.leafHash).to.not.equal(leafHash);
    expect(older.EMPTY_ROOT).to.equal(EMPTY_ROOT);
    expect(older.leafHash(Buffer.from('line'))).to.equal(leafHash(Buffer.from('line')));
    expect(older.nodeHash(EMPTY_ROOT, EMPTY_ROOT)).to.equal(nodeHash(EMPTY_ROOT, EMPTY_ROOT));
  });

  it('reads Base64 strictly: one hash, in its one form', () => {
    const text = hashToBase64(EMPTY_ROOT);
    expect(hashFromBase64(text)).to.equal(EMPTY_ROOT);
    for (const wrong of [
      '',
      text.slice(0, -1),
      `${text} `,
      text.replace('=', ''),
      `!${text.slice(1)}`,
      text + text,
    ])
      expect(hashFromBase64(wrong), wrong).to.equal(undefined);
  });
});
