import { ConfigError } from '../../errors.js';
import type { ArchiveTarget } from '../../archive/state.js';
import { parseAddress } from '../../archive/objectStore.js';
import type { IntegrityKey } from '../../integrity/sealing/keys.js';
import { sleep } from '../../internal/duration.js';
import { checkOptions } from '../../internal/options.js';
import { isLogInUse, LogLock } from './lock.js';
import { Notices } from './notice.js';
import type { RotationOptions } from './segments.js';

/**
 * Where finished segments of a sealed log are archived, in a storage that speaks S3. Credentials come from the usual AWS environment
 * variables, and from wherever else the AWS SDK looks.
 *
 * @see docs/archive.md
 */
export interface ArchiveOptions {
  /**
   * The folder in a bucket: `s3://bucket/folder`. The log gets a folder of its own name in it.
   * @variable OTEL_MCP_LOG_ARCHIVE none: nothing is archived
   */
  readonly to: string;
  /**
   * How objects are locked: `compliance` or `governance` for `lockDays`; `bucket` by the bucket's own rule, which must lock; `none`
   * for a storage that does not.
   * @defaultValue `bucket`
   * @variable OTEL_MCP_LOG_ARCHIVE_LOCK
   */
  readonly lock?: 'bucket' | 'compliance' | 'governance' | 'none';
  /**
   * For how many days an object is locked from its upload on, where `lock` is a mode.
   * @defaultValue none
   * @minimum 1
   * @maximum 36,500
   * @variable OTEL_MCP_LOG_ARCHIVE_LOCK_DAYS
   */
  readonly lockDays?: number;
  /**
   * Whether objects are put under legal hold in the storage: they stay until somebody lifts it there.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_ARCHIVE_LEGAL_HOLD
   */
  readonly legalHold?: boolean;
  /**
   * The address of an S3-compatible storage that is not AWS: `https`, or `http` to a loopback address.
   * @defaultValue that of `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, else AWS
   * @variable OTEL_MCP_LOG_ARCHIVE_ENDPOINT
   */
  readonly endpoint?: string;
  /**
   * The region of the bucket.
   * @defaultValue that of `AWS_REGION` or `AWS_DEFAULT_REGION`; with an endpoint, `us-east-1`
   * @variable OTEL_MCP_LOG_ARCHIVE_REGION
   */
  readonly region?: string;
  /**
   * Whether the bucket stands in the path and not in the host name.
   * @defaultValue whether there is an endpoint
   * @variable OTEL_MCP_LOG_S3_PATH_STYLE
   */
  readonly pathStyle?: boolean;
  /**
   * The size of a part of an upload. Three are under way at a time, in memory. S3 takes no part under 5 MiB ("Amazon S3 multipart upload
   * limits").
   * @defaultValue 8 MiB
   * @minimum 5,242,880
   * @maximum 1,073,741,824
   * @unit bytes
   */
  readonly partBytes?: number;
}

/** A bound of retention: by age, by size, or both. */
interface RetainBound {
  /** The age of a segment's newest record. */
  readonly days?: number;
  /** The size of the finished segments together, as they lie on disk. */
  readonly bytes?: number;
}

/**
 * Which finished segments of a log stay on disk, and which go. Nothing goes but by `atMost`.
 *
 * @see docs/archive.md
 */
export interface RetainOptions {
  /**
   * A rule's own `atLeast`, for the log and, where one is configured, its archive: `pci-dss`, `hipaa`, `eu-ai-act`, `sec-17a-4`.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_RETAIN_PRESET
   */
  readonly preset?: 'pci-dss' | 'hipaa' | 'eu-ai-act' | 'sec-17a-4';
  /** What stays, whatever `atMost` says: segments that are younger, and the newest segments up to a size. @defaultValue none */
  readonly atLeast?: RetainAtLeastOptions;
  /** What goes: segments that are older, and the oldest segments beyond a size. @defaultValue none */
  readonly atMost?: RetainAtMostOptions;
  /**
   * A legal hold, and why: it is put on record, and nothing goes until it is lifted (`otel-mcp-log hold --lift`).
   * @defaultValue none
   * @variable OTEL_MCP_LOG_RETAIN_HOLD
   */
  readonly hold?: string;
  /**
   * Why segments go, for the record.
   * @defaultValue the rule that let them go
   * @variable OTEL_MCP_LOG_RETAIN_REASON
   */
  readonly reason?: string;
}

/**
 * What stays.
 *
 * @see docs/archive.md
 */
interface RetainAtLeastOptions {
  /**
   * For how long after its newest record a segment stays.
   * @defaultValue none
   * @minimum 1
   * @maximum 36,500
   * @variable OTEL_MCP_LOG_RETAIN_AT_LEAST_DAYS
   */
  readonly days?: number;
  /**
   * The size up to which the newest finished segments stay.
   * @defaultValue none
   * @minimum 1
   * @unit bytes
   * @variable OTEL_MCP_LOG_RETAIN_AT_LEAST_BYTES
   */
  readonly bytes?: number;
}

/**
 * What goes.
 *
 * @see docs/archive.md
 */
interface RetainAtMostOptions {
  /**
   * How long after its newest record a segment goes.
   * @defaultValue none
   * @minimum 1
   * @maximum 36,500
   * @variable OTEL_MCP_LOG_RETAIN_AT_MOST_DAYS
   */
  readonly days?: number;
  /**
   * The size of all finished segments, as they lie on disk, beyond which the oldest go.
   * @defaultValue none
   * @minimum 1
   * @unit bytes
   * @variable OTEL_MCP_LOG_RETAIN_AT_MOST_BYTES
   */
  readonly bytes?: number;
}

/** What is asked to stay for how long. */
export interface Preset {
  /** For how many days a record is kept at all. */
  readonly days: number;
  /** For how many of them at hand; the archive is enough for the rest. */
  readonly atHand: number;
  /** Where it says so. */
  readonly source: string;
}

/** Six years with their leap days. */
const SIX_YEARS = 2192;
/** The three longest months in a row, and the six longest, have so many days. */
const THREE_MONTHS = 92;
const SIX_MONTHS = 184;

/** What rules ask for, and where. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  'pci-dss': { days: 366, atHand: THREE_MONTHS, source: 'PCI DSS 4.0.1, 10.5.1' },
  hipaa: { days: SIX_YEARS, atHand: 1, source: '45 CFR 164.316(b)(2)(i)' },
  'eu-ai-act': { days: SIX_MONTHS, atHand: 1, source: 'Regulation (EU) 2024/1689, Articles 19(1) and 26(6)' },
  'sec-17a-4': { days: SIX_YEARS, atHand: 731, source: '17 CFR 240.17a-4(a) and (f)' },
};

/** Checked options of retention. */
export interface RetainPolicy {
  /** For how many days records are kept, in the archive or here; 0 where nothing says so. */
  readonly keepDays: number;
  /** What stays here. */
  readonly atLeast: RetainBound;
  readonly atMost: RetainBound;
  readonly hold?: string | undefined;
  readonly reason: string;
}

/** @throws ConfigError */
export function resolveRetain(given: RetainOptions, hasArchive: boolean): RetainPolicy {
  const options = checkOptions('RetainOptions', 'retain', given);
  const preset = options.preset === undefined ? undefined : PRESETS[options.preset];
  const bounds = (name: 'atLeast' | 'atMost'): RetainBound =>
    name === 'atLeast'
      ? checkOptions('RetainAtLeastOptions', 'retain.atLeast', options.atLeast ?? {})
      : checkOptions('RetainAtMostOptions', 'retain.atMost', options.atMost ?? {});
  const [least, most] = [bounds('atLeast'), bounds('atMost')];
  const asked = preset === undefined ? 0 : hasArchive ? preset.atHand : preset.days;
  const days = Math.max(least.days ?? 0, asked);
  if (most.days !== undefined && most.days < days)
    throw new ConfigError('retain.atMost.days', `is ${most.days}, and ${days} days are to stay at least`);
  if (most.bytes !== undefined && most.bytes < (least.bytes ?? 0))
    throw new ConfigError('retain.atMost.bytes', 'is less than what is to stay at least');
  const rule = [
    ...(most.days === undefined ? [] : [`kept for ${most.days} days`]),
    ...(most.bytes === undefined ? [] : [`up to ${most.bytes} bytes`]),
    ...(options.preset === undefined ? [] : [`by ${options.preset}`]),
  ].join(', ');
  return {
    keepDays: Math.max(preset?.days ?? 0, least.days ?? 0),
    atLeast: { ...least, ...(days > 0 && { days }) },
    atMost: most,
    hold: options.hold,
    reason: options.reason ?? rule,
  };
}

/** What a file sink does with its finished segments. */
export interface KeepingPlan {
  readonly archive: ArchiveTarget | undefined;
  readonly retain: RetainPolicy | undefined;
  /** What seals the journal. */
  readonly key: IntegrityKey;
}

/** @throws ConfigError */
export function resolveKeeping({
  archive,
  retain,
  rotate,
  key,
}: {
  readonly archive: ArchiveOptions | undefined;
  readonly retain: RetainOptions | undefined;
  readonly rotate: RotationOptions | undefined;
  readonly key: IntegrityKey | undefined;
}): KeepingPlan | undefined {
  if (archive === undefined && retain === undefined) return undefined;
  const option = archive === undefined ? 'retain' : 'archive';
  if (key === undefined)
    throw new ConfigError(option, 'needs integrity: only what is sealed can be archived, and be missed');
  if (rotate?.keep !== undefined)
    throw new ConfigError(
      'rotate.keep',
      `deletes segments without a record: with ${option}, use retain.atMost`,
    );
  return {
    archive: archive && resolveArchive(archive),
    retain: retain && resolveRetain(retain, archive !== undefined),
    key,
  };
}

/** Archiving and retention of one log, in the background. */
export interface KeepingTask {
  /** Looks at the finished segments now: there is a new one. */
  look(): void;
  /** Stops at the next part of an upload. */
  close(): Promise<void>;
}

/** Begins when the log is open. Loaded by those alone who keep or archive. */
export function keepInBackground(
  plan: KeepingPlan,
  { path, notices }: { readonly path: string; readonly notices: Notices },
  ready: Promise<void> | undefined,
): KeepingTask {
  const loaded = import('./retention.js').then(async ({ Keeper }) => {
    await ready?.catch(() => undefined);
    const keeper = new Keeper(path, plan, notices);
    keeper.start();
    return keeper;
  });
  return {
    look: () => void loaded.then((keeper) => keeper.start()),
    close: async () => (await loaded).close(),
  };
}

/** @throws ConfigError */
export function resolveArchive(given: ArchiveOptions): ArchiveTarget {
  const options = checkOptions('ArchiveOptions', 'archive', given);
  parseAddress(options.to);
  const isMode = options.lock === 'compliance' || options.lock === 'governance';
  if (isMode !== (options.lockDays !== undefined))
    throw new ConfigError(
      'archive.lockDays',
      "goes with lock: 'compliance' or 'governance', and they with it",
    );
  return options;
}

/** How long a command waits for another one, or for the writer, in ms. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 100;
/** After so long without a sign of life, whoever archived or deleted on another machine counts as gone, in ms. */
const STALE_MS = 15_000;

/**
 * Archives a log while no other process does.
 *
 * @throws ConfigError when another process is at it for too long.
 */
export async function whileAlone<T>(log: string, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    let lock: LogLock;
    try {
      lock = new LogLock(`${log}.archiving`, new Notices(() => undefined), STALE_MS);
    } catch (error) {
      if (!isLogInUse(error) || performance.now() > deadline) throw error;
      await sleep(PAUSE_MS * (0.5 + Math.random()));
      continue;
    }
    try {
      return await work();
    } finally {
      lock.release();
    }
  }
}
