import { existsSync } from 'node:fs';
import { whoami } from '../../archive/state.js';
import { ConfigError } from '../../errors.js';
import { resolveSigner, type IntegrityKey } from '../../integrity/sealing/keys.js';
import { integrityLayout, readIfThere } from '../../integrity/storage/files.js';
import { formatVkey } from '../../integrity/tlog/note.js';
import { parseCheckpoint } from '../../integrity/tlog/checkpoint.js';
import {
  holdsIn,
  journalOrigin,
  journalPath,
  readJournal,
  type JournalData,
  type JournalEntry,
} from '../../integrity/verification/retentionJournal.js';
import { sleep } from '../../internal/duration.js';
import { newRecordId, newSpanId, newTraceId } from '../../schema/ids.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { EVENT_TYPES } from '../../schema/tables.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import { FileSink } from './fileSink.js';
import { isLogInUse } from './lock.js';
import type { FileNotice } from './notice.js';

/** How long to wait for another process at the journal, in ms. Each holds it for one deletion. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 50;

/** How the journal of a log is opened. */
export interface JournalOptions {
  readonly log: string;
  /** What seals it. Default: a key of its own, `<log>.retention.key`. */
  readonly key?: IntegrityKey | undefined;
  readonly onNotice: (notice: FileNotice) => void;
}

/**
 * The journal of a log's retention: what is let go of it, and the legal holds. It is a sealed log of its own, and whoever holds it
 * open is the only one who may delete: so holds and deletions of several processes follow each other.
 */
export class Journal {
  #next: number;
  readonly #counter: LogCounter;

  private constructor(
    readonly entries: JournalEntry[],
    private readonly sink: FileSink,
    private readonly path: string,
  ) {
    this.#next = (sink.lastSeq ?? -1) + 1;
    this.#counter = counterAfter(sink);
  }

  /** @throws ConfigError when another process has it for too long, or it is sealed with another key. */
  static async open({ log, key: given, onNotice }: JournalOptions): Promise<Journal> {
    const path = journalPath(log);
    const key = given ?? { generate: `${log}.retention.key` };
    const note = await readIfThere(integrityLayout(log).checkpoint);
    if (note === undefined) throw new ConfigError('retain', 'needs a sealed log (see docs/integrity.md)');
    const origin = journalOrigin(parseCheckpoint(note).origin);
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        await requireSameKey(path, origin, key);
        const sink = new FileSink({ path, fsync: 'always', integrity: { origin, key }, onNotice });
        try {
          return new Journal(await readJournal(log), sink, path);
        } catch (error) {
          await sink.close();
          throw error;
        }
      } catch (error) {
        if (!isLogInUse(error) || performance.now() > deadline) throw error;
        await sleep(PAUSE_MS * (0.5 + Math.random()));
      }
    }
  }

  /** Puts an entry on record: when this resolves, it is on the disk and sealed. */
  async add(
    data: JournalData,
    more: { readonly operation?: string; readonly isIntent?: boolean } = {},
  ): Promise<JournalEntry> {
    const { operation = newRecordId(), isIntent = false } = more;
    const record = this.#record(data, operation, isIntent);
    const result = await this.sink.emit([record]);
    if (result.status !== 'delivered') throw result.error;
    await this.sink.flush();
    if (this.sink.isSealed !== true) throw new Error(`${this.path} could not be sealed`);
    const entry: JournalEntry = { ...data, time: record.time, operation, isIntent };
    this.entries.push(entry);
    return entry;
  }

  close(): Promise<void> {
    return this.sink.close();
  }

  #record(data: JournalData, operation: string, isIntent: boolean): AuditRecord {
    const { ocsf_class_uid, ocsf_activity_id } = EVENT_TYPES.EVENT_CONFIG_CHANGE;
    const trace = newTraceId();
    return {
      record_id: newRecordId(),
      seq: this.#next++,
      ...this.#counter,
      time: new Date().toISOString(),
      duration_ms: 0,
      event_type: 'EVENT_CONFIG_CHANGE',
      outcome: isIntent ? 'OUTCOME_UNSPECIFIED' : 'OUTCOME_SUCCESS',
      severity: 'SEVERITY_INFO',
      sensitivity: 'SENSITIVITY_INTERNAL',
      actor_id: data.by,
      actor_type: 'user',
      component: PACKAGE_NAME,
      environment: 'unspecified',
      resource: 'audit/retention',
      message: messageOf(data, isIntent),
      correlation_id: trace,
      trace_id: trace,
      span_id: newSpanId(),
      session_id: operation,
      ocsf_class_uid,
      ocsf_activity_id,
      data,
      operation_id: operation,
      ...(isIntent && { stage: 'request_received' as const }),
      metadata: {
        schema_version: 'documented',
        product_name: PACKAGE_NAME,
        product_version: PACKAGE_VERSION,
        vendor_name: PACKAGE_NAME,
      },
    };
  }
}

/** Who does something that goes into a journal, and how the journal is opened. */
export interface JournalUser extends Omit<JournalOptions, 'log'> {
  /** A name for the record. Default: the user that the process runs as. */
  readonly by?: string | undefined;
}

/** Puts a legal hold on a log. @returns its name, by which it is lifted. */
export async function hold(
  log: string,
  reason: string,
  name: string,
  run: JournalUser,
): Promise<JournalEntry> {
  const journal = await Journal.open({ ...run, log });
  try {
    const there = holdsIn(journal.entries).find((entry) => entry.action === 'hold' && entry.hold === name);
    return there ?? (await journal.add({ action: 'hold', hold: name, reason, by: run.by ?? whoami() }));
  } finally {
    await journal.close();
  }
}

/** Lifts a legal hold. @returns false where there is no such hold. */
export async function lift(log: string, reason: string, name: string, run: JournalUser): Promise<boolean> {
  const journal = await Journal.open({ ...run, log });
  try {
    if (!holdsIn(journal.entries).some((entry) => entry.action === 'hold' && entry.hold === name))
      return false;
    await journal.add({ action: 'lift', hold: name, reason, by: run.by ?? whoami() });
    return true;
  } finally {
    await journal.close();
  }
}

/** Each process that writes is an epoch of its own. */
function counterAfter({ lastCounter }: FileSink): LogCounter {
  return { log_id: lastCounter?.log_id ?? newRecordId(), log_epoch: (lastCounter?.log_epoch ?? -1) + 1 };
}

function messageOf(data: JournalData, isIntent: boolean): string {
  if (data.action !== 'let-go')
    return data.action === 'hold' ? 'A legal hold was put on the log' : 'A legal hold on the log was lifted';
  const { file, first, count } = data.segment;
  return `${file} with records ${first} to ${first + count - 1} ${isIntent ? 'is about to be let go' : 'was let go'}`;
}

/** A log whose key is another would be set aside, as after a tamper, and its holds with it. */
async function requireSameKey(path: string, origin: string, key: IntegrityKey): Promise<void> {
  const known = ((await readIfThere(integrityLayout(path).vkey)) ?? '').split('\n').filter(Boolean);
  if (known.length === 0) return;
  const generate = typeof key === 'object' && 'generate' in key ? key.generate : undefined;
  if (generate !== undefined && !existsSync(generate))
    throw new ConfigError(
      'key',
      `${path} is sealed with a key of the log: give that key (--key, or FileSink's retain)`,
    );
  const { publicKey } = resolveSigner('key', origin, key);
  if (!known.includes(formatVkey(origin, publicKey)))
    throw new ConfigError('key', `${path} is sealed with another key, ${known[0]}: give that one`);
}
