import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IntegrityError } from '../../errors.js';
import { splitNotes } from '../tlog/checkpoint.js';
import { explainMissing } from './retentionJournal.js';
import type { Problem, VerifyReport } from './verdict.js';
import { integrityLayout, readIfThere } from '../storage/files.js';
import { countLeaves, readLeaves } from '../storage/leafFile.js';
import { formatVkey, parseVkey, type NoteVerifier } from '../tlog/note.js';
import {
  findSegments,
  findSegmentsByName,
  readSegments,
  type LogChunk,
  type Segment,
} from '../storage/segments.js';
import { verifyLog, type CheckpointInput, type MissingSegment, type UnreadableSegment } from './verify.js';
import { type TimestampInput } from './vouchers.js';
import { type WitnessPolicy } from '../tlog/policy.js';

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
  /** Which witnesses must have cosigned the log. Where it names keys of logs and no `vkeys` are given, these are trusted. */
  readonly policy?: WitnessPolicy;
  /** Trusted certificates of time-stamping authorities, in PEM: with them, the timestamps beside the log are verified. */
  readonly authorities?: string;
}

/**
 * Verifies a log on disk, with its segments, and with all the evidence that lies beside it.
 *
 * @param log The path that it is written to.
 * @returns what was found; a log without a checkpoint is called unsealed.
 * @throws {IntegrityError} when there is no such log, a file that the options name cannot be read, or a key is malformed.
 */
export async function verifyLogFile(log: string, given: VerifyFileOptions = {}): Promise<VerifyReport> {
  return verifySegments(log, await segmentsAndDamage(log), given);
}

/** As {@link verifyLogFile}, with segments that lie elsewhere than the evidence. */
export async function verifySegments(
  log: string,
  { segments, damage }: FoundSegments,
  given: VerifyFileOptions,
): Promise<VerifyReport> {
  const layout = integrityLayout(log);
  const options = withPolicyKeys(given);
  const { checkpoint, others, warnings } = await checkpointsOf(log, options);
  if (checkpoint === undefined && !segments.some(({ present }) => present))
    throw new IntegrityError(`${log}: no such log`);
  const keys =
    checkpoint === undefined
      ? { verifiers: (options.vkeys ?? []).map(parseVkey), warnings: [] }
      : await keysOrNone(log, options.vkeys);
  const trust = (options.vkeys?.length ?? 0) > 0 ? 'given' : 'beside';
  const known = await explainMissing(log, segments, keys.verifiers, trust === 'beside');
  const report = await verifyLog(chunksOf(known.segments), {
    verifiers: keys.verifiers,
    trust,
    ...(checkpoint && { checkpoint }),
    others,
    ...(damage !== undefined && { damage: [damage] }),
    ...((await countLeaves(layout.leaves)) > 0 && { leaves: () => readLeaves(layout.leaves) }),
    ...(options.live !== undefined && { live: options.live }),
    ...(options.allowMissing !== undefined && { allowMissing: options.allowMissing }),
    ...(options.records !== undefined && { records: options.records }),
    ...(options.policy && { policy: options.policy }),
    ...(options.authorities !== undefined && {
      timestamps: { tokens: await readTimestamps(layout.timestamps), certificates: options.authorities },
    }),
  });
  return { ...report, warnings: [...keys.warnings, ...warnings, ...known.warnings, ...report.warnings] };
}

interface FoundSegments {
  readonly segments: readonly Segment[];
  readonly damage?: Problem;
}

/** A damaged list of segments is a finding about the log: its files are taken by their names then. */
async function segmentsAndDamage(log: string): Promise<FoundSegments> {
  try {
    return { segments: await findSegments(log) };
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    const message = `${integrityLayout(log).segments} is damaged: ${error.message}`;
    return { segments: await findSegmentsByName(log), damage: { kind: 'segment', message } };
  }
}

/** The keys of logs that a policy names are as good as keys that are given by themselves. */
function withPolicyKeys(options: VerifyFileOptions): VerifyFileOptions {
  const { vkeys, policy } = options;
  if ((vkeys?.length ?? 0) > 0 || policy === undefined || policy.logs.length === 0) return options;
  return { ...options, vkeys: policy.logs.map(({ name, publicKey }) => formatVkey(name, publicKey)) };
}

/** The timestamps in a folder, oldest first; none where there is no folder. */
async function readTimestamps(folder: string): Promise<TimestampInput[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const sizes = names.flatMap((name) => /^(\d{1,15})\.tsr$/.exec(name)?.[1] ?? []).map(Number);
  return Promise.all(
    sizes
      .sort((a, b) => a - b)
      .map(async (size) => ({ size, reply: await readFile(join(folder, `${size}.tsr`)) })),
  );
}

/** Without any key every checkpoint is one that no trusted key signed, which the verdict says. */
async function keysOrNone(log: string, vkeys: readonly string[] | undefined) {
  try {
    return await trustedKeys(log, vkeys);
  } catch (error) {
    if (!(error instanceof IntegrityError) || (vkeys?.length ?? 0) > 0) throw error;
    return { verifiers: [], warnings: [error.message] };
  }
}

/** All checkpoints that a log is to be held against, and the one that speaks for it. */
async function checkpointsOf(
  log: string,
  options: VerifyFileOptions,
): Promise<{ checkpoint: CheckpointInput | undefined; others: CheckpointInput[]; warnings: string[] }> {
  const layout = integrityLayout(log);
  const warnings: string[] = [];
  // The newest checkpoint of a file is its last.
  const own = await optionalCheckpoints(
    options.checkpoint ?? layout.checkpoint,
    'strict',
    options.checkpoint,
  );
  const others: CheckpointInput[] = [];
  for (const path of [layout.history, layout.anchored, layout.cosigned])
    others.push(...(await optionalCheckpoints(path, 'tolerant')));
  const kept: CheckpointInput[] = [];
  for (const path of options.against ?? [])
    kept.push(...(await readCheckpoints(path)).map((input) => ({ ...input, keptElsewhere: true })));
  if (own.length === 0 && others.length > 0)
    warnings.push(`${layout.checkpoint} is missing; the newest checkpoint of the history stands in for it`);
  else if (own.length === 0 && kept.length > 0)
    warnings.push(`no checkpoint lies beside ${log}; the newest that was kept elsewhere stands in for it`);
  const checkpoint = own.pop() ?? others.pop() ?? kept.pop();
  return { checkpoint, others: [...own, ...others, ...kept], warnings };
}

/** The checkpoints in a file. A file that is missing has none; if an option names it, that is an error. */
async function optionalCheckpoints(
  path: string,
  tail: 'strict' | 'tolerant',
  named?: string,
): Promise<CheckpointInput[]> {
  if (named === undefined && (await readIfThere(path)) === undefined) return [];
  return readCheckpoints(path, tail);
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

/** The chunks of segments, with a mark in the place of each that is missing, and where one cannot be read. */
async function* chunksOf(
  segments: readonly Segment[],
): AsyncGenerator<LogChunk | MissingSegment | UnreadableSegment, void, undefined> {
  for (const segment of segments) {
    if (!segment.present) {
      const { path, range, because, root } = segment;
      if (range !== undefined)
        yield { missing: path, ...range, ...(because && { because }), ...(root && { root }) };
      continue;
    }
    try {
      yield* readSegments([segment]);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      yield { unreadable: error.message };
      return;
    }
  }
}
