import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openCheckpoint, splitNotes } from '../../integrity/tlog/checkpoint.js';
import { integrityLayout, type IntegrityLayout } from '../../integrity/storage/files.js';
import { countLeaves, readLeaves } from '../../integrity/storage/leafFile.js';
import { parseVkey } from '../../integrity/tlog/note.js';
import type { CommandIo } from '../shared/command.js';
import { judge, type Judgement } from '../integrity/judgement.js';
import type { LogInput } from '../input/logs.js';
import { Problems, type Place } from '../input/problems.js';
import { withScratchFolder } from '../term/temporaryFile.js';
import { compileFilter } from '../query/filter.js';
import type { Output } from '../term/output.js';
import { Packer } from './pack.js';
import { Archive, type PackedContent } from './zip.js';
import type { Framework } from './clauses.js';
import { deriveFiles, filtersOf, json, manifestOf } from './derive.js';
import { eachLine, endsOf, SliceProver } from './sliceProof.js';
import {
  canonical,
  MANIFEST_NAME,
  type BundleFindings,
  type BundleManifest,
  type LogSlice,
} from './manifest.js';
import { findBounds, type SliceBounds } from './survey.js';

const LF = Buffer.from('\n');

/** What evidence is asked for. */
export interface EvidenceRequest {
  readonly framework: Framework;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** The verifier keys that the maker brought. */
  readonly vkeys?: readonly string[] | undefined;
  readonly problems: Problems;
  readonly io: CommandIo;
}

/** What went into a bundle. */
export interface WrittenBundle {
  readonly manifest: BundleManifest;
  readonly findings: BundleFindings;
  /** The verdict on each log, at the time. */
  readonly judgements: readonly Judgement[];
}

/**
 * Writes a bundle of evidence as a zip file. The same logs and the same request give the same files; with
 * the same zlib, also the same zip file.
 *
 * @throws {IntegrityError} when a log is shorter than its own checkpoint says.
 */
export async function writeBundle(
  logs: readonly LogInput[],
  output: Output,
  request: EvidenceRequest,
): Promise<WrittenBundle> {
  const { framework, from, to, io } = request;
  const lines = new LinesOfLogs(request);
  const bounds = await findBounds(logs, compileFilter(filtersOf(request)), { ...lines, io });
  const archive = new Archive(output);
  const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const packer = new Packer(io.program);
  return withScratchFolder(async (folder) => {
    const slices: LogSlice[] = [];
    const judgements: Judgement[] = [];
    const packed: Promise<PackedContent>[] = [];
    try {
      for (const [number, log] of logs.entries()) {
        const slice = sliceOf(log, bounds[number]!, number);
        const known = await writeSlice(log, slice, folder);
        packed.push(packer.pack(join(folder, basename(slice.path))));
        const judgement = await judge(log, request.vkeys);
        judgements.push(judgement);
        slices.push(await addProofs(archive, { log, judgement, known }, slice, request));
      }
      const heard = (place: Place, reason: string) => lines.report(logs, slices, place, reason);
      const derived = await deriveFiles(folder, slices, { framework, ...period, io, heard });
      const { files, findings } = derived;
      for (const [path, content] of files) archive.add(path, content);
      for (const [number, { path }] of slices.entries()) await archive.addPacked(path, await packed[number]!);
      const counted = slices.map((slice, number) => canonical(slice, derived.within[number] ?? 0));
      const manifest = manifestOf({ framework, ...period }, counted, [...archive.files]);
      archive.add(MANIFEST_NAME, json(manifest));
      archive.end();
      return { manifest, findings, judgements };
    } finally {
      await packer.close();
    }
  });
}

/** A slice under a name that is safe in any archive and on any system, and tells which log is meant. Its records are counted later. */
function sliceOf(log: LogInput, { first, end }: SliceBounds, number: number): LogSlice {
  const name = basename(log.name).replace(/[^\w.-]/g, '_');
  return { name, path: `logs/${number + 1}-${name}`, first, count: end - first, within: 0 };
}

/** Lines of a log by their places: those that are known to be needed for proofs. */
type KnownLines = ReadonlyMap<number, Buffer>;

/** What lies beside a log, which is fetched of one that is not on disk. */
async function layoutOf(log: LogInput): Promise<IntegrityLayout> {
  return integrityLayout((await log.evidence?.()) ?? log.name);
}

/** The newest checkpoint of a log. As for a verification, the newest of the history stands in for one that is not there. */
async function newestCheckpoint(log: LogInput): Promise<{ checkpoint: string | undefined; history: string }> {
  const layout = await layoutOf(log);
  const history = await readFile(layout.history, 'utf8').catch(() => '');
  const checkpoint = await readFile(layout.checkpoint, 'utf8').catch(() => splitNotes(history).notes.at(-1));
  return { checkpoint, history };
}

async function addProofs(
  archive: Archive,
  {
    log,
    judgement,
    known,
  }: { readonly log: LogInput; readonly judgement: Judgement; readonly known: KnownLines },
  slice: LogSlice,
  request: EvidenceRequest,
): Promise<LogSlice> {
  const { status, sentence } = judgement;
  if (status === 'unchecked' || status === 'unsealed') return slice;
  // Nothing can be proved of a log that does not agree with its own evidence.
  if (status === 'broken' || status === 'untrusted') return { ...slice, verdict: { status, sentence } };
  const { checkpoint, history } = await newestCheckpoint(log);
  if (checkpoint === undefined) return slice;
  const proofs = `proofs/${basename(slice.path)}`;
  const files = await proveSlice(log, slice, { known, checkpoint, history });
  for (const [file, content] of files) archive.add(`${proofs}/${file}`, content);
  const vkeys =
    request.vkeys ?? (await readFile((await layoutOf(log)).vkey, 'utf8').catch(() => '')).split('\n');
  const signed = vkeys.filter((vkey) => hasSigned(vkey, [checkpoint, files.get('earlier-checkpoint')]));
  if (signed.length > 0) archive.add(`${proofs}/vkey`, signed.map((vkey) => `${vkey.trim()}\n`).join(''));
  return { ...slice, proofs };
}

/** The proofs of a slice: from the stored leaf hashes, a hundredth of the bytes; where those do not lead to the checkpoint, from the log. */
async function proveSlice(
  log: LogInput,
  { first, count }: LogSlice,
  {
    known,
    checkpoint,
    history,
  }: { readonly known: KnownLines; readonly checkpoint: string; readonly history: string },
): Promise<Map<string, string>> {
  const begin = () => new SliceProver({ first, end: first + count }, checkpoint, history);
  const { leaves } = await layoutOf(log);
  const stored = begin();
  if ((await countLeaves(leaves)) >= stored.size) {
    for await (const batch of readLeaves(leaves, stored.size)) for (const leaf of batch) stored.leaf(leaf);
    if (stored.holds(known)) return stored.files();
  }
  const prover = begin();
  await eachLine(log, (bytes) => prover.line(bytes));
  return prover.files();
}

/** Whether a key signed one of these checkpoints. */
function hasSigned(vkey: string, notes: readonly (string | undefined)[]): boolean {
  return notes.some((note) => {
    try {
      return note !== undefined && openCheckpoint(note, [parseVkey(vkey)]) !== undefined;
    } catch {
      return false;
    }
  });
}

/** Everything between the first and the last record of the period, byte for byte: only a whole stretch can be proved. */
async function writeSlice(
  log: LogInput,
  { path, first, count }: LogSlice,
  folder: string,
): Promise<KnownLines> {
  const { checkpoint } = await newestCheckpoint(log);
  const wanted = endsOf({ first, end: first + count }, checkpoint);
  const known = new Map<number, Buffer>();
  const file = openSync(join(folder, basename(path)), 'wx', 0o600);
  try {
    const lines = new LineWriter(file);
    await eachLine(
      log,
      (bytes, index) => {
        if (index < first || index >= first + count) return;
        if (wanted.includes(index)) known.set(index, Buffer.from(bytes));
        lines.add(bytes);
      },
      async () => lines.flush(),
    );
    lines.flush();
  } finally {
    closeSync(file);
  }
  return known;
}

/**
 * Writes lines to a file, each with its LF. Lines that follow each other in one buffer of the reader are written from there at once,
 * without a copy, and so before the reader uses the buffer again: {@link flush} it after each.
 */
class LineWriter {
  readonly #file: number;
  #lines: Buffer | undefined;

  constructor(file: number) {
    this.#file = file;
  }

  add(line: Buffer): void {
    const lines = this.#lines;
    if (lines?.buffer === line.buffer) {
      const end = lines.byteOffset + lines.length;
      if (line.byteOffset === end + 1 && new Uint8Array(line.buffer, end, 1)[0] === LF[0]) {
        this.#lines = Buffer.from(line.buffer, lines.byteOffset, lines.length + 1 + line.length);
        return;
      }
    }
    this.flush();
    this.#lines = line;
  }

  flush(): void {
    if (this.#lines === undefined) return;
    for (const bytes of [this.#lines, LF])
      for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done);
    this.#lines = undefined;
  }
}

/** The lines of each file, as they were counted when the period was looked for: so that a line of a slice can be named by its file. */
class LinesOfLogs {
  readonly #problems: Problems;
  readonly #files: { readonly path: string; readonly lines: number }[] = [];
  readonly #known = new Set<string>();
  /** What was found when the period was looked for. */
  readonly problems: Problems;

  constructor({ problems, io }: Pick<EvidenceRequest, 'problems' | 'io'>) {
    this.#problems = problems;
    this.problems = new Problems(io, false, (place, reason) => {
      this.#known.add(`${place.file}:${place.line ?? ''}`);
      problems.report(place, reason);
    });
  }

  /** Takes the number of lines of a file after it was read. */
  readonly leave = (path: string, lines: number): void => void this.#files.push({ path, lines });

  /** Reports what is wrong with a line of a slice, unless that is known. */
  report(
    logs: readonly LogInput[],
    slices: readonly LogSlice[],
    { file, line }: Place,
    reason: string,
  ): void {
    const number = slices.findIndex(({ path }) => basename(path) === basename(file));
    const [log, slice] = [logs[number], slices[number]];
    if (log === undefined || slice === undefined || line === undefined) return;
    let left = slice.first + line;
    for (const { path, lines } of this.#files) {
      if (!log.files.some((each) => each.path === path)) continue;
      if (left > lines) {
        left -= lines;
        continue;
      }
      if (!this.#known.has(`${path}:${left}`)) this.#problems.report({ file: path, line: left }, reason);
      return;
    }
  }
}
