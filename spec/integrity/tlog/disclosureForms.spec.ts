import { expect } from 'chai';
import { IntegrityError } from '../../../lib/errors.js';
import { formatTreeHead } from '../../../lib/integrity/tlog/checkpoint.js';
import {
  commitmentData,
  digestOf,
  leafData,
  selectiveRecord,
  withSeed,
} from '../../../lib/integrity/tlog/leafData.js';
import { checkDisclosure, discloseFields } from '../../../lib/integrity/tlog/tlogProof.js';
import { leafHash } from '../../../lib/integrity/tlog/merkle.js';
import { resolveSigner } from '../../../lib/integrity/sealing/keys.js';
import { newKey } from '../../support/signing.js';

const ORIGIN = 'audit.example.com/agents';
const FORMAT = 'otel-mcp-log/selective@v1';
const SEED = Buffer.alloc(32, 7);
const SALT = 'a'.repeat(22);
const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const signer = resolveSigner('integrity', ORIGIN, { pem: newKey(ORIGIN).pem });

/** A proof of the only record of a log, which the holder of the key has signed, whatever its commitments are. */
async function shown(disclosures: readonly string[], others: readonly string[] = []) {
  const digests = [...disclosures.map(digestOf), ...others].sort();
  const root = leafHash(commitmentData(digests));
  const checkpoint = await signer.sign(formatTreeHead({ origin: ORIGIN, size: 1, root }));
  const extra = Buffer.from(JSON.stringify({ format: FORMAT, digests, disclosures }));
  return checkDisclosure({ index: 0, hashes: [], checkpoint, extra }, [signer]);
}

describe('the forms of selective disclosure', () => {
  it('are a salt, a name and a value', async () => {
    expect([...(await shown([b64([SALT, 'outcome', 'OUTCOME_SUCCESS'])])).fields]).to.deep.equal([
      ['outcome', 'OUTCOME_SUCCESS'],
    ]);
  });

  const digest = digestOf('x');
  for (const [what, disclosures, others] of [
    ['the order of the fields', [b64([SALT, '_order', ['outcome']])], []],
    ['a salt of less than 128 bits', [b64(['a'.repeat(21), 'outcome', 1])], []],
    ['a salt that is a number', [b64([1, 'outcome', 1])], []],
    ['a name that is a number', [b64([SALT, 1, 1])], []],
    ['two parts', [b64([SALT, 'outcome'])], []],
    ['four parts', [b64([SALT, 'outcome', 1, 2])], []],
    ['an object', [b64({ 0: SALT, 1: 'outcome', 2: 1, length: 3 })], []],
    ['padding', [`${b64([SALT, 'outcome', 12])}=`], []],
    ['a digest that is too short', [b64([SALT, 'outcome', 1])], [digest.slice(1)]],
    ['a digest with bits behind its end', [b64([SALT, 'outcome', 1])], [`${digest.slice(0, -1)}B`]],
    [
      'more digests than a record has',
      [b64([SALT, 'outcome', 1])],
      Array.from({ length: 4096 }, (_, at) => digestOf(String(at))),
    ],
  ] as const)
    it(`are refused with ${what}, though the log commits to them`, async () => {
      let refused: unknown;
      await shown(disclosures, others).catch((error: unknown) => (refused = error));
      expect(refused).to.be.instanceOf(IntegrityError);
      expect((refused as IntegrityError).message).to.match(/^not a proof that shows fields: /);
    });

  const record =
    '{"outcome":"OUTCOME_SUCCESS","mcp":{"method":"ping","request_id":"1"},"error":{"code":"E"}}';
  const namesOf = (names: readonly string[]) => {
    const { disclosures } = JSON.parse(
      discloseFields(Buffer.from(withSeed(record, SEED)), names).toString(),
    ) as {
      disclosures: string[];
    };
    return disclosures.map(
      (each) => (JSON.parse(Buffer.from(each, 'base64url').toString()) as [string, string])[1],
    );
  };

  it('part the detail of the protocol and the error; the name of a part stands for all that is in it', () => {
    expect(namesOf(['mcp'])).to.deep.equal(['mcp.method', 'mcp.request_id']);
    expect(namesOf(['mcp.method', 'error.code', 'outcome'])).to.deep.equal([
      'mcp.method',
      'error.code',
      'outcome',
    ]);
    expect(() => namesOf(['mcp.metho'])).to.throw(IntegrityError, "no field 'mcp.metho'");
  });

  it('are not those of a line that is no text, has a salt of its own, or a seed in another form', () => {
    const line = withSeed(record, SEED);
    expect(selectiveRecord(Buffer.from(line))).to.not.equal(undefined);
    const torn = Buffer.from(line);
    torn[torn.indexOf('SUCCESS')] = 0xff;
    for (const other of [
      torn,
      Buffer.from(withSeed('{"salt":"mine","outcome":1}', SEED)),
      // The last of the 43 characters has two bits that no seed has.
      Buffer.from(`${line.slice(0, -3)}d"}`),
    ]) {
      expect(selectiveRecord(other), other.toString()).to.equal(undefined);
      expect(leafData(other)).to.equal(other);
    }
  });
});
