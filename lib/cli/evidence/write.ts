import { open, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openCheckpoint, splitNotes } from '../../integrity/tlog/checkpoint.js';
import { integrityLayout } from '../../integrity/storage/layout.js';
import { parseVkey } from '../../integrity/tlog/note.js';
import type { CommandIo } from '../shared/command.js';
import { judge, type Judgement } from '../integrity/verdict.js';
import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import { withScratchFolder } from '../term/temporaryFile.js';
import { compileFilter } from '../query/filter.js';
import type { Output } from '../term/output.js';
import { Packer } from './pack.js';
import { Archive, type PackedContent } from './zip.js';
import type { Framework } from './clauses.js';
import { deriveFiles, filtersOf, json, manifestOf } from './derive.js';
import { eachLine } from './sliceProof.js';
import { MANIFEST_NAME, type BundleFindings, type BundleManifest, type LogSlice } from './manifest.js';
import { SliceProver } from './sliceProof.js';
import { survey, type SliceBounds } from './survey.js';

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
 * Writes a bundle of evidence as a zip file. The same logs and the same request give the same bytes.
 *
 * @throws {IntegrityError} when a log is shorter than its own checkpoint says.
 */
export async function writeBundle(
  logs: readonly LogInput[],
  output: Output,
  request: EvidenceRequest,
): Promise<WrittenBundle> {
  const { framework, from, to, problems, io } = request;
  const found = await survey(logs, compileFilter(filtersOf(request)), [], { problems, io, until: to });
  const archive = new Archive(output);
  const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const packer = new Packer(io.program);
  return withScratchFolder(async (folder) => {
    const slices: LogSlice[] = [];
    const judgements: Judgement[] = [];
    const packed: Promise<PackedContent>[] = [];
    try {
      for (const [number, log] of logs.entries()) {
        const slice = sliceOf(log, found.bounds[number]!, number);
        await writeSlice(log, slice, folder);
        packed.push(packer.pack(join(folder, basename(slice.path))));
        const judgement = await judge(log, request.vkeys);
        judgements.push(judgement);
        slices.push(await addProofs(archive, { log, judgement }, slice, request));
      }
      const { files, findings } = await deriveFiles(folder, slices, { framework, ...period, io });
      for (const [path, content] of files) archive.add(path, content);
      for (const [number, { path }] of slices.entries()) await archive.addPacked(path, await packed[number]!);
      const manifest = manifestOf({ framework, ...period }, slices, [...archive.files]);
      archive.add(MANIFEST_NAME, json(manifest));
      archive.end();
      return { manifest, findings, judgements };
    } finally {
      await packer.close();
    }
  });
}

/** A slice under a name that is safe in any archive and on any system, and tells which log is meant. */
function sliceOf(log: LogInput, { first, end, within }: SliceBounds, number: number): LogSlice {
  const name = basename(log.name).replace(/[^\w.-]/g, '_');
  return { name, path: `logs/${number + 1}-${name}`, first, count: end - first, within };
}

async function addProofs(
  archive: Archive,
  { log, judgement }: { readonly log: LogInput; readonly judgement: Judgement },
  slice: LogSlice,
  request: EvidenceRequest,
): Promise<LogSlice> {
  const { status, sentence } = judgement;
  if (status === 'unchecked' || status === 'unsealed') return slice;
  // Nothing can be proved of a log that does not agree with its own evidence.
  if (status === 'broken' || status === 'untrusted') return { ...slice, verdict: { status, sentence } };
  const layout = integrityLayout(log.name);
  const history = await readFile(layout.history, 'utf8').catch(() => '');
  // As for a verification, the newest of the history stands in for a checkpoint that is not there.
  const newest = await readFile(layout.checkpoint, 'utf8').catch(() => splitNotes(history).notes.at(-1));
  if (newest === undefined) return slice;
  const checkpoint = newest;
  const prover = new SliceProver({ first: slice.first, end: slice.first + slice.count }, checkpoint, history);
  await eachLine(log, (bytes) => prover.line(bytes));
  const proofs = `proofs/${basename(slice.path)}`;
  const files = prover.files();
  for (const [file, content] of files) archive.add(`${proofs}/${file}`, content);
  const known = request.vkeys ?? (await readFile(layout.vkey, 'utf8').catch(() => '')).split('\n');
  const signed = known.filter((vkey) => hasSigned(vkey, [checkpoint, files.get('earlier-checkpoint')]));
  if (signed.length > 0) archive.add(`${proofs}/vkey`, signed.map((vkey) => `${vkey.trim()}\n`).join(''));
  return { ...slice, proofs };
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
async function writeSlice(log: LogInput, { path, first, count }: LogSlice, folder: string): Promise<void> {
  const file = await open(join(folder, basename(path)), 'wx', 0o600);
  let pieces: Buffer[] = [];
  const flush = async () => {
    await file.writeFile(Buffer.concat(pieces));
    pieces = [];
  };
  const lf = Buffer.from('\n');
  await eachLine(
    log,
    (bytes, index) => {
      if (index >= first && index < first + count) pieces.push(Buffer.from(bytes), lf);
    },
    flush,
  );
  await flush();
  await file.close();
}
