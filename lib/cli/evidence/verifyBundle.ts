import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AuditError, IntegrityError } from '../../errors.js';
import { openCheckpoint, parseCheckpoint } from '../../integrity/tlog/checkpoint.js';
import { leafHash, type CompactRange } from '../../integrity/tlog/merkle.js';
import { readLines, readSegments } from '../../integrity/storage/segments.js';
import { parseVkey, type NoteVerifier } from '../../integrity/tlog/note.js';
import {
  checkConsistencyProof,
  checkTlogProof,
  formatConsistencyProof,
  formatTlogProof,
  parseConsistencyProof,
  parseTlogProof,
} from '../../integrity/tlog/tlogProof.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import type { CommandIo } from '../shared/command.js';
import { withScratchFolder } from '../term/temporaryFile.js';
import type { Framework } from './clauses.js';
import { deriveFiles, json, manifestOf } from './derive.js';
import {
  MANIFEST_NAME,
  canonical,
  isManifest,
  isProof,
  type BundleFile,
  type BundleManifest,
  type LogSlice,
} from './manifest.js';
import { formatPrefix, parsePrefix } from './sliceProof.js';
import { ZipReader, type ZipEntry } from './zip.js';

/** What was found about a bundle. */
export interface BundleReport {
  /** Whether all holds. */
  readonly ok: boolean;
  readonly framework?: string;
  /** Records within the period. */
  readonly records: number;
  /** Files of the bundle. */
  readonly files: number;
  /** Whether every slice was proved against a signed checkpoint. */
  readonly sealed: boolean;
  /** What the verdict covers, in one sentence. */
  readonly covers: string;
  readonly problems: readonly string[];
  /** What is worth knowing and proves nothing. */
  readonly warnings: readonly string[];
}

/** Files but the logs are held in memory while they are checked; ours are far below this. */
const MOST_HELD = 256 << 20;

/**
 * Checks a bundle of evidence offline. The slices of the logs are proved against their checkpoints; everything else is made
 * again from them, and has to be the same, byte for byte.
 *
 * @param path The zip file.
 * @param options.vkeys The verifier keys to trust; without them, those in the bundle, with a warning.
 * @throws {CliFailure} with exit code 3 when it is no bundle, or breaks off.
 */
export async function verifyBundle(
  path: string,
  { vkeys, io }: { vkeys?: readonly string[] | undefined; io: CommandIo },
): Promise<BundleReport> {
  const zip = await ZipReader.open(path);
  try {
    return await withScratchFolder(async (folder) => {
      const check = new BundleCheck(vkeys, folder, io);
      for (const entry of zip.entries) await check.take(entry);
      return check.finish();
    });
  } finally {
    await zip.close();
  }
}

class BundleCheck {
  readonly #vkeys: readonly string[] | undefined;
  readonly #folder: string;
  readonly #io: CommandIo;
  readonly #problems: string[] = [];
  readonly #warnings: string[] = [];
  readonly #hashes = new Map<string, BundleFile>();
  readonly #held = new Map<string, string>();

  constructor(vkeys: readonly string[] | undefined, folder: string, io: CommandIo) {
    this.#vkeys = vkeys;
    this.#folder = folder;
    this.#io = io;
  }

  /** Takes a file: slices go to the scratch folder, the rest is held. */
  async take({ name, size, content }: ZipEntry): Promise<void> {
    const hash = createHash('sha256');
    const slice = /^logs\/[\w.-]+$/.test(name);
    const pieces: Buffer[] = [];
    let held = 0;
    const file = slice ? await open(join(this.#folder, basename(name)), 'wx', 0o600) : undefined;
    try {
      for await (const piece of content()) {
        hash.update(piece);
        if (file !== undefined) await file.writeFile(piece);
        else if ((held += piece.length) > MOST_HELD)
          throw new IntegrityError(`${name} is larger than any file of a bundle`);
        else pieces.push(Buffer.from(piece));
      }
    } finally {
      await file?.close();
    }
    if (!slice) this.#held.set(name, Buffer.concat(pieces).toString('utf8'));
    this.#hashes.set(name, { path: name, bytes: size, sha256: hash.digest('hex') });
  }

  async finish(): Promise<BundleReport> {
    const manifest = this.#manifest();
    let records = 0;
    if (manifest !== undefined) {
      this.#checkFiles(manifest);
      for (const slice of manifest.logs) await this.#checkSlice(slice, manifest);
      // The hash already shows the change. Files derived from it would only repeat the finding.
      records = await this.#deriveAgain(manifest);
    }
    const proved = manifest?.logs.filter(({ proofs }) => proofs !== undefined) ?? [];
    const sealed = manifest !== undefined && proved.length > 0 && proved.length === manifest.logs.length;
    const ok = this.#problems.length === 0;
    return {
      ok,
      ...(manifest === undefined ? {} : { framework: manifest.framework }),
      records,
      files: this.#hashes.size,
      sealed,
      covers: coverage(ok, sealed, this.#vkeys !== undefined),
      problems: this.#problems,
      warnings: this.#warnings,
    };
  }

  #manifest(): BundleManifest | undefined {
    const text = this.#held.get(MANIFEST_NAME);
    const value = text === undefined ? undefined : parseJson<BundleManifest>(text);
    const fault =
      text === undefined
        ? 'there is no manifest: not a bundle of evidence, or not all of it'
        : value === undefined || !isManifest(value)
          ? 'the manifest is not of a known form'
          : value.logs.length === 0
            ? 'the manifest names no log: a bundle has one at least'
            : value.generator !== `${PACKAGE_NAME} ${PACKAGE_VERSION}`
              ? `the bundle says that it was made by another version, so nothing can be made again from its slices: check it with that version (this is ${PACKAGE_NAME} ${PACKAGE_VERSION})`
              : undefined;
    if (fault === undefined) return value;
    this.#problems.push(fault);
    return undefined;
  }

  #checkFiles({ files }: BundleManifest): void {
    const named = new Set([MANIFEST_NAME]);
    for (const { path, bytes, sha256 } of files) {
      if (named.has(path)) this.#problems.push(`the manifest names ${path} twice`);
      named.add(path);
      const found = this.#hashes.get(path);
      if (found === undefined) this.#problems.push(`${path} is missing`);
      else if (found.bytes !== bytes || found.sha256 !== sha256)
        this.#problems.push(`${path} was changed: its hash is not the one in the manifest`);
    }
    for (const path of this.#hashes.keys())
      if (!named.has(path)) this.#problems.push(`${path} is not in the manifest: it was added`);
  }

  /** Makes everything again that follows from the slices, and compares; gives the number of records of the period. */
  async #deriveAgain(manifest: BundleManifest): Promise<number> {
    const { framework, from, to, logs } = manifest;
    if (logs.some(({ path }) => !this.#hashes.has(path))) return 0;
    const subject = {
      framework: framework as Framework,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
    const { files, findings, within } = await deriveFiles(this.#folder, logs, { ...subject, io: this.#io });
    for (const [path, content] of files) {
      if (this.#held.get(path) === content) continue;
      this.#problems.push(`${path} does not follow from the slices: it is missing, or was changed`);
    }
    const expected = new Set([MANIFEST_NAME, ...files.keys(), ...logs.map(({ path }) => path)]);
    for (const path of this.#hashes.keys())
      if (!expected.has(path) && !isProof(path, logs))
        this.#problems.push(`${path} is nothing that a bundle has`);
    const slices = logs.map((slice, number) => canonical(slice, within[number] ?? 0));
    const again = json(
      manifestOf(
        subject,
        slices,
        manifest.files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
      ),
    );
    if (again !== this.#held.get(MANIFEST_NAME))
      this.#problems.push(`${MANIFEST_NAME} does not follow from the slices: it was changed`);
    return findings.records;
  }

  async #checkSlice(slice: LogSlice, { from, to }: BundleManifest): Promise<void> {
    const { path, first, count, proofs, verdict } = slice;
    if (!this.#hashes.has(path)) return;
    if (verdict !== undefined)
      this.#problems.push(
        `${path}: its log was ${verdict.status} when the bundle was made: ${verdict.sentence}`,
      );
    const prefix = proofs === undefined ? undefined : this.#held.get(`${proofs}/prefix.json`);
    const tree = this.#try(path, () => (prefix === undefined ? undefined : parsePrefix(prefix)));
    const note = proofs === undefined ? undefined : this.#held.get(`${proofs}/checkpoint`);
    const sealed = this.#try(path, () => (note === undefined ? 0 : parseCheckpoint(note).size)) ?? 0;
    const lines = await hashLines(join(this.#folder, basename(path)), tree, sealed);
    if (lines !== count) this.#problems.push(`${path} has ${lines} lines, the manifest speaks of ${count}`);
    if (proofs === undefined) {
      if (verdict !== undefined) return;
      const text = `${path} is not sealed: nothing can show that it is what was logged`;
      // A key was given, so a proof is expected.
      (this.#vkeys === undefined ? this.#warnings : this.#problems).push(text);
      return;
    }
    if (to === undefined && first + count < sealed)
      this.#problems.push(`${path} ends at record ${first + count - 1}, the period does not`);
    if (from === undefined && first > 0)
      this.#problems.push(`${path} begins at record ${first}, the period does not`);
    this.#try(path, () => this.#prove(slice, proofs, tree));
  }

  #prove(slice: LogSlice, proofs: string, tree: CompactRange | undefined): void {
    const verifiers = this.#verifiers(proofs);
    const file = (name: string) => this.#held.get(`${proofs}/${name}`);
    const need = (name: string) => {
      const text = file(name);
      if (text === undefined) throw new IntegrityError(`${name} is missing among its proofs`);
      return text;
    };
    const checkpoint = openCheckpoint(need('checkpoint'), verifiers);
    if (tree === undefined) throw new IntegrityError('prefix.json is missing among its proofs');
    const end = slice.first + slice.count;
    const sealed = Math.min(end, checkpoint.size);
    if (tree.size !== sealed)
      throw new IntegrityError(`the slice ends at record ${tree.size}, not at ${sealed}`);
    const rest = parseConsistencyProof(need('slice.consistency'));
    requireSame('slice.consistency', formatConsistencyProof(rest), need('slice.consistency'));
    requireSame('slice.consistency', rest.checkpoint, checkpoint.note);
    const before = parsePrefix(need('prefix.json'));
    if (before.size !== Math.min(slice.first, checkpoint.size))
      throw new IntegrityError('prefix.json is of another slice');
    requireSame('prefix.json', formatPrefix(before), need('prefix.json'));
    checkConsistencyProof(
      rest,
      { origin: checkpoint.origin, size: tree.size, root: tree.root(), note: '' },
      verifiers,
    );
    for (const name of ['first.tlog-proof', 'last.tlog-proof']) {
      const text = file(name);
      if (text === undefined) continue;
      const proof = parseTlogProof(text);
      requireSame(name, formatTlogProof(proof), text);
      requireSame(name, proof.checkpoint, checkpoint.note);
      checkTlogProof(proof, proof.extra ?? new Uint8Array(), verifiers);
      if (proof.index !== (name === 'first.tlog-proof' ? slice.first : sealed - 1))
        throw new IntegrityError(`${name} is of another record`);
    }
    const earlier = file('earlier-checkpoint');
    if (earlier !== undefined)
      checkConsistencyProof(
        parseConsistencyProof(need('earlier.consistency')),
        openCheckpoint(earlier, verifiers),
        verifiers,
      );
    if (end > sealed)
      this.#warnings.push(
        `${slice.path}: the last ${end - sealed} records were written after the checkpoint, and are not sealed`,
      );
  }

  #verifiers(proofs: string): NoteVerifier[] {
    if (this.#vkeys !== undefined) {
      const given = this.#vkeys.map((vkey) => vkey.trim());
      // Who unpacks the bundle may take the key in it for the one that was checked.
      for (const vkey of (this.#held.get(`${proofs}/vkey`) ?? '').split('\n').filter(Boolean))
        if (!given.includes(vkey)) throw new IntegrityError('a key in the bundle is none of those given');
      return given.map(parseVkey);
    }
    const text = this.#held.get(`${proofs}/vkey`);
    if (text === undefined) throw new IntegrityError('no verifier key is given, and none is in the bundle');
    this.#warnings.push(
      'the verifier key was taken from the bundle itself, which whoever made the bundle chose; give your own',
    );
    return text.split('\n').filter(Boolean).map(parseVkey);
  }

  /** A proof that fails is a finding. */
  #try<T>(name: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      const damaged = error instanceof SyntaxError;
      if (!damaged && !(error instanceof AuditError)) throw error;
      const reason = damaged ? 'a proof is not of a known form' : (error as AuditError).message;
      this.#problems.push(`${name}: ${reason}`);
      return undefined;
    }
  }
}

/** What the verdict is about, in one sentence. */
function coverage(ok: boolean, sealed: boolean, given: boolean): string {
  if (!ok) return 'Nothing in this bundle can be relied on.';
  if (!sealed)
    return 'This covers that every file follows from the slices of the logs; it does not cover whether the slices are what was logged, since not every log is sealed.';
  const key = given ? 'the key that was given' : 'a key that came with the bundle, which confirms nothing';
  return `This covers that each slice is one whole stretch of its log, unchanged since the checkpoint that is signed by ${key}, and that every other file follows from the slices; it does not cover records outside of the slices, nor whether what was logged is true.`;
}

/** Hashes the lines of a slice into its tree, up to where it is sealed; gives their number. */
async function hashLines(path: string, tree: CompactRange | undefined, sealed: number): Promise<number> {
  let lines = 0;
  for await (const batch of readLines(readSegments([{ path, present: true }])))
    for (const { bytes } of batch) {
      lines++;
      if (tree !== undefined && tree.size < sealed) tree.append(leafHash(bytes));
    }
  return lines;
}

/** A proof in another form than ours could hold what no check looks at. */
function requireSame(name: string, expected: string, found: string): void {
  if (expected !== found) throw new IntegrityError(`${name} holds more, or other, than a proof has`);
}

function parseJson<T>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
