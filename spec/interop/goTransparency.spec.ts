import { expect } from 'chai';
import { createPublicKey } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  openCheckpoint,
  type Checkpoint,
  cosign,
  withSignatures,
} from '../../lib/integrity/tlog/checkpoint.js';
import { exportTiles, findRecord, proveConsistency, proveRecord } from '../../lib/integrity/proving.js';
import { parseNote } from '../../lib/integrity/tlog/note.js';
import { formatConsistencyProof, formatTlogProof } from '../../lib/integrity/tlog/tlogProof.js';
import { TestLog } from '../support/sealedLog.js';
import { newKey, newWitnessKey } from '../support/signing.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Where Debian's golang-golang-x-mod-dev puts its sources. */
const GOPATH = '/usr/share/gocode';
const SIZES = [1, 2, 3, 7, 256, 257, 1000];

/** Why the check cannot be made here; nothing where it can. */
function whyNot(): string | undefined {
  if (spawnSync('go', ['version']).status !== 0)
    return 'skipped: Go is not installed (apt-get install golang-go)';
  if (!existsSync(join(GOPATH, 'src/golang.org/x/mod/sumdb/tlog')))
    return 'skipped: its library is not installed (apt-get install golang-golang-x-mod-dev)';
  return undefined;
}

type Check = Partial<Record<'Note' | 'Older' | 'Proof' | 'Line' | 'Path' | 'Witness', string>> & {
  Kind: string;
};

const reason = whyNot();
const title = "interop: Go's transparency library, golang.org/x/mod/sumdb";

(reason === undefined ? describe : describe.skip)(
  reason === undefined ? title : `${title} (${reason})`,
  function () {
    this.timeout(300_000);
    const folder = temporaryFolder();
    const program = join(folder.path, 'checklog');
    let log: TestLog;
    const checkpoints = new Map<number, Checkpoint>();

    const go = (cases: readonly Check[], vkey = log.key.vkey): string[] =>
      JSON.parse(
        execFileSync(program, {
          input: JSON.stringify({ Vkey: vkey, Cases: cases }),
          maxBuffer: 1 << 26,
        }).toString(),
      ) as string[];
    const at = (size: number) => checkpoints.get(size) ?? expect.fail();
    const verifiers = () => [log.key.verifier];
    const inclusion = async (index: number, size: number): Promise<Check> => {
      const record = await findRecord(log.path, { index });
      const proof = await proveRecord(log.path, record, at(size).note, verifiers(), index % 2 === 0);
      return { Kind: 'inclusion', Proof: formatTlogProof(proof), Line: record.line.toString() };
    };
    const consistency = async (older: number, newer: number): Promise<Check> => {
      const proof = await proveConsistency(log.path, at(older), at(newer));
      return { Kind: 'consistency', Older: at(older).note, Proof: formatConsistencyProof(proof) };
    };
    const logOf = (size: number): Check => {
      const path = join(folder.path, `first-${size}.jsonl`);
      writeFileSync(
        path,
        log.lines
          .slice(0, size)
          .map((line) => `${line}\n`)
          .join(''),
      );
      return { Kind: 'log', Path: path, Note: at(size).note };
    };
    const all = (verdict: string, count: number) => Array.from({ length: count }, () => verdict);

    before(async () => {
      const source = fileURLToPath(new URL('checklog/main.go', import.meta.url));
      const env = {
        ...process.env,
        GOPATH,
        GO111MODULE: 'off',
        GOCACHE: join(folder.path, 'cache'),
        GOFLAGS: '',
      };
      execFileSync('go', ['build', '-o', program, source], { env, stdio: ['ignore', 'ignore', 'inherit'] });
      log = await new TestLog(folder.path).open();
      for (const size of SIZES) {
        await log.append(size - log.log.size).log.seal();
        checkpoints.set(size, openCheckpoint(log.log.checkpoint?.note ?? '', verifiers()));
      }
      await log.close();
    });
    after(() => folder.remove());

    it('verifies notes and finds the roots of the log at every size', () => {
      expect(go(SIZES.map(logOf))).to.deep.equal(all('ok', SIZES.length));
    });

    it('verifies inclusion proofs at every size', async () => {
      const cases: Check[] = [];
      for (const size of SIZES)
        for (const index of new Set([0, 1, size >> 1, size - 2, size - 1]))
          if (index >= 0 && index < size) cases.push(await inclusion(index, size));
      expect(cases).to.have.length.greaterThan(25);
      expect(go(cases)).to.deep.equal(all('ok', cases.length));
    });

    it('verifies consistency proofs between all sizes', async () => {
      const cases: Check[] = [];
      for (const newer of SIZES)
        for (const older of SIZES) if (older <= newer) cases.push(await consistency(older, newer));
      expect(go(cases)).to.deep.equal(all('ok', cases.length));
    });

    it('reads tiles and entry bundles', async () => {
      const cases: Check[] = [];
      for (const size of SIZES) {
        const path = join(folder.path, `tiles-${size}`);
        await exportTiles(log.path, path, at(size).note, verifiers());
        cases.push({ Kind: 'tiles', Path: path });
      }
      expect(go(cases)).to.deep.equal(all('ok', cases.length));
    });

    it('[attack 37] rejects what was tampered with', async () => {
      const edited = logOf(257);
      writeFileSync(
        edited.Path ?? '',
        readFileSync(edited.Path ?? '', 'utf8').replace('tools/call', 'tools/cull'),
      );
      const included = await inclusion(100, 257);
      const extended = await consistency(7, 1000);
      const swapLetter = (text = '') =>
        text.replace(/\n([A-Za-z])(?=[^\n]{43}\n)/, (_, x) => `\n${x === 'A' ? 'B' : 'A'}`);
      const verdicts = go([
        edited,
        { ...logOf(256), Note: at(257).note },
        { ...logOf(256), Note: at(256).note.replace('256', '255') },
        { ...included, Line: included.Line?.replace('tools', 'fools') ?? '' },
        { ...included, Proof: included.Proof?.replace('index 100', 'index 101') ?? '' },
        { ...included, Proof: swapLetter(included.Proof) },
        { ...extended, Older: at(3).note },
        { ...extended, Proof: swapLetter(extended.Proof) },
      ]);
      expect(verdicts).to.have.length(8);
      expect(verdicts).to.not.include('ok');
    });

    it('verifies the cosignatures of a witness, and no others', () => {
      const { privateKey, vkey } = newWitnessKey('witness.example/w1');
      const { note } = at(257);
      const publicKey = createPublicKey(privateKey);
      const line = cosign(parseNote(note).text, 'witness.example/w1', privateKey, publicKey, 1_700_000_000);
      const cosigned = { Kind: 'cosigned', Note: withSignatures(note, [line]), Witness: vkey };
      const late = Buffer.from(line.signature);
      late[7]! ^= 1;
      const verdicts = go([
        cosigned,
        { ...cosigned, Note: withSignatures(note, [{ ...line, signature: late }]) },
        { ...cosigned, Note: withSignatures(at(256).note, [line]) },
        { ...cosigned, Witness: newWitnessKey('witness.example/w1').vkey },
      ]);
      expect(verdicts[0]).to.equal('ok');
      expect(verdicts.slice(1)).to.have.length(3).and.not.include('ok');
    });

    it('[attack 37] rejects what another key of the same name signed', () => {
      const [verdict] = go([logOf(7)], newKey(log.options.origin).vkey);
      expect(verdict).to.contain('note has no verifiable signatures');
    });
  },
);
