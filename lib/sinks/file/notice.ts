import { diag } from '@opentelemetry/api';

/** What a file sink found or did that its operator should know of. */
type FileNoticeKind =
  /** Others could read or write the file; its mode is 0600 now. */
  | 'mode-narrowed'
  /** A crash left a last line without an end; the bytes were cut off and kept in `keptIn`. */
  | 'torn-tail'
  /** A crash left a last line without its line feed, which was added. */
  | 'line-completed'
  /** The writer that held the lock is gone, or showed no sign of life; the lock was taken over. */
  | 'stale-lock'
  /** Somebody removed the lock while its holder was alive; the holder made it again. */
  | 'lock-restored'
  /** Another writer has the lock, because it was removed or ran out: this one writes no more. */
  | 'lock-lost'
  /** Somebody renamed the file; a new one was begun under the path. */
  | 'renamed'
  /**
   * Somebody deleted the file, and with it `bytes` of the log. A new one was begun, with what had been written since the last
   * check.
   */
  | 'deleted'
  /** Somebody truncated the file (as `copytruncate` of logrotate does): `bytes` are no longer in it. */
  | 'truncated'
  /** Somebody else wrote `bytes` into the file. */
  | 'foreign-bytes'
  /** An fdatasync failed: `bytes` that were written before it may not be on the disk. */
  | 'sync-failed'
  /** Rotation, compression or clean-up failed; the log goes on in the current file. */
  | 'rotation-failed'
  /** A file of a spool is missing, or is not what was written; `detail` says what follows. */
  | 'spool-damaged'
  /** Something is wrong with the evidence of a sealed log, as `detail` says. */
  | 'integrity'
  /** What became of finished segments that are archived or let go, as `detail` says: what went, what stays and why, what failed. */
  | 'keeping'
  /** A key to seal the log with was made in the file `path`; `detail` is the verifier key that auditors need. */
  | 'key-generated';

/** One thing that a file sink or a spool found. */
export interface FileNotice {
  /** What was found. */
  readonly kind: FileNoticeKind;
  /** The file that it was found at. */
  readonly path: string;
  /** How many bytes it concerns. */
  readonly bytes?: number;
  /** The file that got the bytes that had to leave the log. */
  readonly keptIn?: string;
  /** The error code, where there was an error. */
  readonly code?: string;
  /** Further words for people. */
  readonly detail?: string;
}

/** Called with each finding. */
export type NoticeListener = (notice: FileNotice) => void;

/** How many findings are kept: the first ones, which say most about a cause. */
const KEPT = 100;

/** Keeps findings, and passes them on. */
export class Notices {
  readonly kept: FileNotice[] = [];

  constructor(private readonly listener: NoticeListener | undefined) {}

  /** Adds a finding. Never throws, whatever the listener does. */
  add(notice: FileNotice): void {
    if (this.kept.length < KEPT) this.kept.push(notice);
    const { kind, path, bytes, keptIn, code, detail: words } = notice;
    const detail = [
      bytes !== undefined && `${bytes} bytes`,
      keptIn && `kept in ${keptIn}`,
      code,
      words,
    ].filter(Boolean);
    diag.warn(`audit log ${path}: ${[kind, ...detail].join(', ')}`);
    try {
      this.listener?.(notice);
    } catch {
      diag.error('audit log: the onNotice callback failed');
    }
  }
}
