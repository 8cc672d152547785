import { existsSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AuditError } from '../../errors.js';
import {
  archivedSegments,
  archiveFault,
  archiveTarget,
  whoami,
  configureArchive,
  type ArchivedSegment,
} from '../../archive/state.js';
import type { Environment } from '../../archive/objectStore.js';
import { contentDigest, scan, sealedHistory, type FinishedSegment } from '../../archive/sealed.js';
import { integrityLayout, readIfThere } from '../../integrity/storage/files.js';
import { findSegments } from '../../integrity/storage/segments.js';
import { parseCheckpoint } from '../../integrity/tlog/checkpoint.js';
import { hashToBase64, type Hash } from '../../integrity/tlog/merkle.js';
import {
  holdsIn,
  readJournal,
  unfinishedIn,
  type JournalEntry,
  type LetGo,
} from '../../integrity/verification/retentionJournal.js';
import { Journal, hold, type JournalUser } from './journal.js';
import { whileAlone, type RetainPolicy, type KeepingPlan } from './keeping.js';
import { syncFolder } from './open.js';
import { archiveLog } from '../../archive/archiver.js';
import { after } from '../../internal/duration.js';
import { quietly } from '../sink.js';
import type { Notices } from './notice.js';

const DAY_MS = 86_400_000;

/** What a run of retention did, or, where it only looks, would do. */
export interface RetentionResult {
  /** What went, oldest first. */
  readonly gone: readonly LetGo[];
  /** What would have gone, and why it stays: a sentence each. */
  readonly kept: readonly string[];
  /** What an earlier process had begun to delete, and this one has finished. */
  readonly repaired: readonly string[];
  /** The legal holds. While there is one, nothing goes. */
  readonly holds: readonly JournalEntry[];
}

/** How retention runs. */
interface RetentionRun extends JournalUser {
  readonly env: Environment;
  /** Only says what would go. */
  readonly dryRun?: boolean;
  readonly now?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lets go of finished segments as a policy says: oldest first, never the newest one (the next segment takes its number from it), never one
 * that is not as it was sealed, never one that is not in the archive where an archive is configured, and none under a legal hold. Each
 * is put on record before it is deleted and after.
 *
 * @throws {AuditError} when the log, its journal or the storage cannot be read.
 */
export async function applyRetention(
  log: string,
  policy: RetainPolicy,
  run: RetentionRun,
): Promise<RetentionResult> {
  const journal = await readJournal(log);
  const repaired = run.dryRun === true ? [] : await repair(log, journal, run);
  const holds = holdsIn(await readJournal(log));
  const kept: string[] = [];
  const due = await segmentsDue(log, policy, run.now ?? Date.now());
  if (holds.length > 0)
    return {
      gone: [],
      kept: due.map(({ path }) => `${basename(path)} is under a legal hold`),
      repaired,
      holds,
    };
  const gone: LetGo[] = [];
  const facts = due.length === 0 ? undefined : await factsOf(log, due);
  let newest = 0;
  for (const segment of due) {
    run.signal?.throwIfAborted();
    const fault = await reasonToStay(log, segment, { policy, run, newest, facts: facts as Facts });
    if (typeof fault === 'string') {
      // Without it, those behind it would leave a hole.
      kept.push(fault);
      break;
    }
    newest = Math.max(newest, Date.parse(fault.to ?? '') || 0);
    if (run.dryRun !== true && !(await letGo(log, fault, policy, run))) {
      kept.push(`${fault.file} stays: a legal hold was put on the log meanwhile`);
      break;
    }
    gone.push(fault);
  }
  return { gone, kept, repaired, holds };
}

/** The finished segments that are due by their ages as the file system has them, and by their sizes: oldest first, without a hole. */
async function segmentsDue(
  log: string,
  { atMost, atLeast }: RetainPolicy,
  now: number,
): Promise<FinishedSegment[]> {
  const finished = (await findSegments(log)).filter(
    (segment): segment is FinishedSegment =>
      segment.range !== undefined && segment.present && segment.path !== log,
  );
  const sizes = finished.map(({ path }) => statSync(path));
  let total = sizes.reduce((sum, { size }) => sum + size, 0);
  const due: FinishedSegment[] = [];
  for (const [at, segment] of finished.slice(0, -1).entries()) {
    const { size, mtimeMs } = sizes[at] as { size: number; mtimeMs: number };
    const days = (now - mtimeMs) / DAY_MS;
    const tooOld = atMost.days !== undefined && days > atMost.days;
    const tooMuch = atMost.bytes !== undefined && total > atMost.bytes;
    const young = atLeast.days !== undefined && days < atLeast.days;
    if ((!tooOld && !tooMuch) || young || total - size < (atLeast.bytes ?? 0)) break;
    due.push(segment);
    total -= size;
  }
  return due;
}

interface Facts {
  readonly roots: ReadonlyMap<number, Hash>;
  readonly size: number;
  readonly archived: readonly ArchivedSegment[];
}

async function factsOf(log: string, segments: readonly FinishedSegment[]): Promise<Facts> {
  const note = await readIfThere(integrityLayout(log).checkpoint);
  const checkpoint = parseCheckpoint(note ?? '');
  const { roots } = await sealedHistory(log, checkpoint, segments);
  return { roots, size: checkpoint.size, archived: await archivedSegments(log) };
}

interface Question {
  readonly policy: RetainPolicy;
  readonly run: RetentionRun;
  /** The newest record of the segments before: where a clock was set back, a segment is as young as any before it. */
  readonly newest: number;
  readonly facts: Facts;
}

/** Why a segment stays, in words; else what is put on record of it. */
async function reasonToStay(
  log: string,
  segment: FinishedSegment,
  question: Question,
): Promise<LetGo | string> {
  const { policy, run, newest, facts } = question;
  const name = basename(segment.path);
  const { first, count } = segment.range;
  if (first + count > facts.size) return `${name} stays: no checkpoint covers it yet`;
  let scanned: Awaited<ReturnType<typeof scan>>;
  try {
    scanned = await scan(log, segment);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return `${name} stays: ${error.message}`;
  }
  const { from, to } = scanned.times;
  const last = Math.max(newest, Date.parse(to ?? '') || 0);
  const days = ((run.now ?? Date.now()) - last) / DAY_MS;
  if (policy.atLeast.days !== undefined && days < policy.atLeast.days)
    return `${name} stays: its newest record is ${Math.max(0, Math.floor(days))} days old, and ${policy.atLeast.days} days are to stay`;
  const entry = facts.archived.find((each) => each.first === first && each.count === count);
  const target = await archiveTarget(log);
  if (target !== undefined) {
    if (entry === undefined) return `${name} stays: it is not archived yet`;
    if (entry.content_sha256 !== scanned.sha256)
      return `${name} stays: what is archived of it is something else`;
    const until =
      policy.keepDays > 0 && target.lock !== 'none' ? new Date(last + policy.keepDays * DAY_MS) : undefined;
    const fault = await archiveFault(entry, { ...target, mustLock: target.lock !== 'none', until }, run.env);
    if (fault !== undefined) return `${name} stays: ${fault}`;
  }
  return {
    file: name,
    first,
    count,
    bytes: statSync(segment.path).size,
    root: hashToBase64(facts.roots.get(first + count) as Hash),
    content_sha256: scanned.sha256,
    ...{ from, to },
    archive: target === undefined ? undefined : entry?.archive,
    locked_until: target === undefined ? undefined : entry?.locked_until,
  };
}

/** Puts a deletion on record, deletes, and puts that on record. @returns false where a hold came first. */
async function letGo(
  log: string,
  segment: LetGo,
  { reason }: RetainPolicy,
  run: RetentionRun,
): Promise<boolean> {
  const journal = await Journal.open({ ...run, log });
  try {
    if (holdsIn(journal.entries).length > 0) return false;
    const data = { action: 'let-go' as const, segment, reason, by: run.by ?? whoami() };
    const { operation } = await journal.add(data, { isIntent: true });
    remove(log, segment.file);
    await journal.add(data, { operation });
    return true;
  } finally {
    await journal.close();
  }
}

/** Deletes a segment in every form that it has on disk. */
function remove(log: string, file: string): void {
  const plain = join(dirname(log), basename(file).replace(/\.gz$/, ''));
  for (const path of [plain, `${plain}.gz`]) if (existsSync(path)) unlinkSync(path);
  syncFolder(log);
}

/**
 * Finishes what a process that ended had begun: its record says that a segment is about to go. The segment goes only if it is still the one
 * that the record names, and no hold came meanwhile.
 */
async function repair(log: string, entries: readonly JournalEntry[], run: RetentionRun): Promise<string[]> {
  if (unfinishedIn(entries).length === 0) return [];
  const journal = await Journal.open({ ...run, log });
  const told: string[] = [];
  try {
    for (const entry of unfinishedIn(journal.entries)) {
      if (entry.action !== 'let-go') continue;
      const { segment, reason, by, operation } = entry;
      const plain = join(dirname(log), basename(segment.file).replace(/\.gz$/, ''));
      const there = [plain, `${plain}.gz`].filter((path) => existsSync(path));
      if (there.length > 0 && holdsIn(journal.entries).length > 0) continue;
      const digests = await Promise.all(there.map((path) => contentDigest(path)));
      if (digests.some((digest) => digest !== segment.content_sha256)) {
        told.push(
          `${segment.file} was about to be let go at ${entry.time}, and is another file now: it stays`,
        );
        continue;
      }
      remove(log, segment.file);
      await journal.add({ action: 'let-go', segment, reason, by }, { operation });
      told.push(
        there.length > 0
          ? `${segment.file} was about to be let go at ${entry.time}, when the process ended: it is gone now`
          : `${segment.file} was let go at ${entry.time}, and the process ended before that was recorded: it is recorded now`,
      );
    }
  } finally {
    await journal.close();
  }
  return told;
}

/** How often segments are looked at that age does not finish by itself, in ms. */
const ROUND_MS = 3_600_000;
/** After a failure: the first pause, and the longest, in ms. */
const RETRY_MS = [5_000, 600_000] as const;
/** The name of the hold that an option puts on a log. */
const BY_OPTION = 'option';

/** Archives the finished segments of one log and lets go of them, in the background, for as long as its sink is open. */
export class Keeper {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #failures = 0;
  /** What was told: the same sentence is not told every hour. */
  readonly #told = new Set<string>();
  readonly #abort = new AbortController();

  constructor(
    private readonly path: string,
    private readonly plan: KeepingPlan,
    private readonly notices: Notices,
  ) {}

  /** Looks at the segments now; after a rotation, too. */
  start(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = quietly(() => this.#round()).finally(() => {
      this.#running = undefined;
      if (this.#closed) return;
      if (this.#again) {
        this.#again = false;
        return this.start();
      }
      const pause =
        this.#failures === 0 ? ROUND_MS : Math.min(RETRY_MS[0] * 2 ** (this.#failures - 1), RETRY_MS[1]);
      this.#timer = after(pause, () => this.start()).unref();
    });
  }

  /** Stops at the next part of an upload: the next process takes it up there. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    await this.#running;
  }

  async #round(): Promise<void> {
    const { path } = this;
    const { archive, retain, key } = this.plan;
    const { signal } = this.#abort;
    const run = {
      env: process.env,
      signal,
      key,
      onNotice: (notice: Parameters<Notices['add']>[0]) => this.notices.add(notice),
    };
    try {
      if (archive !== undefined) {
        await configureArchive(path, archive);
        await whileAlone(path, () => archiveLog(path, archive, run));
      }
      if (retain !== undefined) {
        if (retain.hold !== undefined) await hold(path, retain.hold, BY_OPTION, run);
        const { gone, kept, repaired } = await applyRetention(path, retain, run);
        for (const sentence of repaired) this.#tell(sentence);
        for (const { file } of gone) this.#tell(`${file} was let go (${retain.reason})`);
        for (const sentence of kept) this.#tell(sentence);
      }
      this.#failures = 0;
    } catch (error) {
      if (this.#closed) return;
      this.#failures++;
      this.#tell(error instanceof Error ? error.message : 'unknown reason');
    }
  }

  #tell(detail: string): void {
    if (this.#told.has(detail)) return;
    this.#told.add(detail);
    this.notices.add({ kind: 'keeping', path: this.path, detail });
  }
}
