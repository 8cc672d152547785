import { createHash } from 'node:crypto';
import { AuditError, IntegrityError } from '../../errors.js';
import { openCheckpoint, parseCheckpoint } from '../../integrity/checkpoint.js';
import { parseVkey, type NoteVerifier } from '../../integrity/note.js';
import {
  checkConsistencyProof,
  checkTlogProof,
  parseConsistencyProof,
  parseTlogProof,
} from '../../integrity/tlogProof.js';
import { controlsOf, FRAMEWORKS } from './controls.js';
import {
  BUNDLE_FORMAT,
  FINDINGS_NAME,
  MANIFEST_NAME,
  type BundleFile,
  type BundleFindings,
  type BundleManifest,
  type LogSlice,
} from './manifest.js';
import { parsePrefix } from './sliceProof.js';
import { sliceReader, type SliceReading } from './sliceReader.js';
import { readArchive, type EntryTaker } from './unzip.js';

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
  readonly problems: readonly string[];
  /** What is worth knowing and proves nothing. */
  readonly warnings: readonly string[];
}

/** Files but the logs are held in memory while they are checked; ours are far below this. */
const MOST_HELD = 256 << 20;

/**
 * Checks a bundle of evidence offline: every hash, every proof, every count. Nothing is unpacked to disk.
 *
 * @param path The zip file.
 * @param options.vkeys The verifier keys to trust; without them, those in the bundle, with a warning.
 * @throws {CliFailure} with exit code 3 when it is no bundle, or breaks off.
 */
export async function verifyBundle(
  path: string,
  { vkeys }: { vkeys?: readonly string[] | undefined } = {},
): Promise<BundleReport> {
  const check = new BundleCheck(vkeys);
  await readArchive(path, (name) => check.begin(name));
  return check.finish();
}

class BundleCheck {
  readonly #vkeys: readonly string[] | undefined;
  readonly #problems: string[] = [];
  readonly #warnings: string[] = [];
  readonly #hashes = new Map<string, BundleFile>();
  readonly #held = new Map<string, string>();
  readonly #readings = new Map<string, SliceReading>();

  constructor(vkeys: readonly string[] | undefined) {
    this.#vkeys = vkeys;
  }

  begin(name: string): EntryTaker {
    if (this.#hashes.has(name)) this.#problems.push(`${name} is in the bundle twice`);
    const hash = createHash('sha256');
    let bytes = 0;
    const content = name.startsWith('logs/') ? this.#slice(name) : this.#hold(name);
    return {
      push: (data) => {
        hash.update(data);
        bytes += data.length;
        content.push(data);
      },
      end: () => {
        this.#hashes.set(name, { path: name, bytes, sha256: hash.digest('hex') });
        content.end();
      },
    };
  }

  #hold(name: string): EntryTaker {
    const parts: Buffer[] = [];
    let size = 0;
    return {
      push(data) {
        size += data.length;
        if (size <= MOST_HELD) parts.push(Buffer.from(data));
      },
      end: () => {
        if (size > MOST_HELD) this.#problems.push(`${name} is larger than any such file of a bundle`);
        else this.#held.set(name, Buffer.concat(parts).toString('utf8'));
      },
    };
  }

  /** The proofs and the findings stand before the slices, so that a slice need be read only once. */
  #slice(name: string): EntryTaker {
    const proofs = name.replace(/^logs\//, 'proofs/');
    const prefix = this.#held.get(`${proofs}/prefix.json`);
    const checkpoint = this.#held.get(`${proofs}/checkpoint`);
    const findings = this.#findings();
    const queries = new Map(
      FRAMEWORKS.filter((framework) => framework === findings?.framework)
        .flatMap(controlsOf)
        .flatMap(({ id, query }) => (query === undefined ? [] : [[id, query] as const])),
    );
    const period = {
      ...(findings?.from === undefined ? {} : { since: findings.from }),
      ...(findings?.to === undefined ? {} : { until: findings.to }),
    };
    const tree = this.#try(name, () => (prefix === undefined ? undefined : parsePrefix(prefix)));
    const sealedUpTo =
      this.#try(name, () => (checkpoint === undefined ? 0 : parseCheckpoint(checkpoint).size)) ?? 0;
    const { reading, taker } = sliceReader(name, { tree, sealedUpTo, period, queries });
    this.#readings.set(name, reading);
    return taker;
  }

  finish(): BundleReport {
    const manifest = this.#manifest();
    const findings = this.#findings();
    if (manifest !== undefined) {
      this.#checkFiles(manifest);
      for (const slice of manifest.logs) this.#checkSlice(slice);
      if (findings !== undefined) this.#checkFindings(findings, manifest);
    }
    const proved = manifest?.logs.filter(({ proofs }) => proofs !== undefined) ?? [];
    return {
      ok: this.#problems.length === 0,
      ...(manifest === undefined ? {} : { framework: manifest.framework }),
      records: findings?.records ?? 0,
      files: this.#hashes.size,
      sealed: manifest !== undefined && proved.length > 0 && proved.length === manifest.logs.length,
      problems: this.#problems,
      warnings: this.#warnings,
    };
  }

  #manifest(): BundleManifest | undefined {
    const text = this.#held.get(MANIFEST_NAME);
    const value = text === undefined ? undefined : parseJson<BundleManifest>(text);
    if (value?.format === BUNDLE_FORMAT && Array.isArray(value.files) && Array.isArray(value.logs))
      return value;
    this.#problems.push(
      text === undefined
        ? 'there is no manifest: not a bundle of evidence, or not all of it'
        : 'the manifest is not of a known form',
    );
    return undefined;
  }

  #findings(): BundleFindings | undefined {
    const text = this.#held.get(FINDINGS_NAME);
    const value = text === undefined ? undefined : parseJson<BundleFindings>(text);
    return Array.isArray(value?.controls) ? value : undefined;
  }

  #checkFiles({ files }: BundleManifest): void {
    const named = new Set([MANIFEST_NAME]);
    for (const { path, bytes, sha256 } of files) {
      named.add(path);
      const found = this.#hashes.get(path);
      if (found === undefined) this.#problems.push(`${path} is missing`);
      else if (found.bytes !== bytes || found.sha256 !== sha256)
        this.#problems.push(`${path} was changed: its hash is not the one in the manifest`);
    }
    for (const path of this.#hashes.keys())
      if (!named.has(path)) this.#problems.push(`${path} is not in the manifest: it was added`);
  }

  #checkFindings(findings: BundleFindings, { logs }: BundleManifest): void {
    const readings = logs.flatMap(({ path }) => this.#readings.get(path) ?? []);
    const within = readings.reduce((sum, reading) => sum + reading.within, 0);
    if (within !== findings.records)
      this.#problems.push(
        `${FINDINGS_NAME} speaks of ${findings.records} records, the slices hold ${within} of the period`,
      );
    for (const { id, count } of findings.controls) {
      if (count === undefined) continue;
      const again = readings.reduce((sum, reading) => sum + (reading.counts.get(id) ?? 0), 0);
      if (again !== count)
        this.#problems.push(`${id}: ${FINDINGS_NAME} speaks of ${count} records, the query finds ${again}`);
    }
  }

  #checkSlice(slice: LogSlice): void {
    const reading = this.#readings.get(slice.path);
    if (reading === undefined) return;
    if (reading.lines !== slice.count)
      this.#problems.push(`${slice.path} has ${reading.lines} lines, the manifest speaks of ${slice.count}`);
    if (slice.proofs === undefined) {
      const text = `${slice.path} is not sealed: nothing can show that it is what was logged`;
      // Whoever brings a key expects a proof.
      (this.#vkeys === undefined ? this.#warnings : this.#problems).push(text);
      return;
    }
    this.#try(slice.path, () => this.#prove(slice, slice.proofs ?? '', reading));
  }

  #prove(slice: LogSlice, proofs: string, reading: SliceReading): void {
    const verifiers = this.#verifiers(proofs);
    const file = (name: string) => this.#held.get(`${proofs}/${name}`);
    const need = (name: string) => {
      const text = file(name);
      if (text === undefined) throw new IntegrityError(`${name} is missing among its proofs`);
      return text;
    };
    const checkpoint = openCheckpoint(need('checkpoint'), verifiers);
    const { tree } = reading;
    if (tree === undefined) throw new IntegrityError('prefix.json is missing among its proofs');
    const end = slice.first + slice.count;
    const sealed = Math.min(end, checkpoint.size);
    if (tree.size !== sealed)
      throw new IntegrityError(`the slice ends at record ${tree.size}, not at ${sealed}`);
    const rest = parseConsistencyProof(need('slice.consistency'));
    checkConsistencyProof(
      rest,
      { origin: checkpoint.origin, size: tree.size, root: tree.root(), note: '' },
      verifiers,
    );
    for (const name of ['first.tlog-proof', 'last.tlog-proof']) {
      const text = file(name);
      if (text === undefined) continue;
      const proof = parseTlogProof(text);
      checkTlogProof(proof, proof.extra ?? new Uint8Array(), verifiers);
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
    if (this.#vkeys !== undefined) return this.#vkeys.map(parseVkey);
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

function parseJson<T>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
