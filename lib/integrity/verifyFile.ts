import { readFile } from 'node:fs/promises';
import { IntegrityError } from '../errors.js';
import { splitNotes } from './checkpoint.js';
import { integrityLayout } from './layout.js';
import { countLeaves, readLeaves } from './leafFile.js';
import { parseVkey, type NoteVerifier } from './note.js';
import { findSegments, readSegments, type LogChunk, type Segment } from './segments.js';
import { readIfThere } from './store.js';
import { verifyLog, type CheckpointInput, type MissingSegment, type VerifyReport } from './verify.js';

/** What a log on disk is held against. */
export interface VerifyFileOptions {
  /** Trusted verifier keys. Default: those beside the log, with a warning. */
  readonly vkeys?: readonly string[];
  /** A checkpoint file in the place of the one beside the log. */
  readonly checkpoint?: string;
  /** Files of further checkpoints, older or newer: copies that an anchor kept, for instance. */
  readonly against?: readonly string[];
  /** See {@link VerifyOptions.live}. */
  readonly live?: boolean;
  /** See {@link VerifyOptions.allowMissing}. */
  readonly allowMissing?: boolean;
  /** See {@link VerifyOptions.records}. */
  readonly records?: boolean;
}

/**
 * Verifies a log on disk, with its segments, and with all the evidence that lies beside it.
 *
 * @param log The path that it is written to.
 * @throws {IntegrityError} when there is no checkpoint or no key to hold it against.
 */
export async function verifyLogFile(log: string, options: VerifyFileOptions = {}): Promise<VerifyReport> {
  const layout = integrityLayout(log);
  const { verifiers, warnings } = await trustedKeys(log, options.vkeys);
  // Of several in one file, the newest is the last.
  const others = await readCheckpoints(options.checkpoint ?? layout.checkpoint);
  const checkpoint = others.pop();
  for (const path of [layout.history, layout.anchored])
    if ((await readIfThere(path)) !== undefined) others.push(...(await readCheckpoints(path, 'tolerant')));
  for (const path of options.against ?? []) others.push(...(await readCheckpoints(path)));
  if (checkpoint === undefined) throw new IntegrityError(`${log} has no checkpoint`);
  const report = await verifyLog(chunksOf(await findSegments(log)), {
    verifiers,
    checkpoint,
    others,
    ...((await countLeaves(layout.leaves)) > 0 && { leaves: () => readLeaves(layout.leaves) }),
    ...(options.live !== undefined && { live: options.live }),
    ...(options.allowMissing !== undefined && { allowMissing: options.allowMissing }),
    ...(options.records !== undefined && { records: options.records }),
  });
  return { ...report, warnings: [...warnings, ...report.warnings] };
}

/** The keys to trust: those given, else those beside the log. */
export async function trustedKeys(
  log: string,
  vkeys: readonly string[] | undefined,
): Promise<{ verifiers: NoteVerifier[]; warnings: string[] }> {
  if (vkeys !== undefined && vkeys.length > 0) return { verifiers: vkeys.map(parseVkey), warnings: [] };
  const text = await readIfThere(integrityLayout(log).vkey);
  if (text === undefined) throw new IntegrityError(`no verifier key is given, and none lies beside ${log}`);
  const verifiers = text.split('\n').filter(Boolean).map(parseVkey);
  return {
    verifiers,
    warnings: [
      'the verifier key was taken from beside the log, where whoever can change the log can change it; give your own',
    ],
  };
}

/**
 * The checkpoints in a file.
 *
 * @param tail What a note at the end that was cut off is: an error, or passed over as what a crash leaves behind.
 * @throws {IntegrityError} when there is none in it.
 */
export async function readCheckpoints(
  path: string,
  tail: 'strict' | 'tolerant' = 'strict',
): Promise<CheckpointInput[]> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new IntegrityError(`no checkpoint can be read from ${path}`, { cause });
  });
  const { notes, rest } = splitNotes(text);
  // Given to the check as it stands, what is no note becomes a finding.
  if (notes.length === 0 || (rest !== '' && tail === 'strict')) notes.push(rest);
  return notes.map((note) => ({ note, name: path }));
}

/** The chunks of segments, with a mark in the place of each that is missing. */
async function* chunksOf(
  segments: readonly Segment[],
): AsyncGenerator<LogChunk | MissingSegment, void, undefined> {
  for (const segment of segments) {
    if (segment.present) yield* readSegments([segment]);
    else if (segment.range !== undefined) yield { missing: segment.path, ...segment.range };
  }
}
