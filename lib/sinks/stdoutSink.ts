import type { Writable } from 'node:stream';
import { encodeLine } from '../codecs/json.js';
import { PROFILES, type Profile } from '../codecs/profile.js';
import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import { optionalBoolean, optionalChoice, optionalText, requireKnownOptions } from '../internal/validate.js';
import { deliveredBut, encodeEach } from './encodeEach.js';
import { prettyRecord } from './pretty.js';
import { SerialSink } from './serialSink.js';
import type { SinkResult } from './sink.js';

const WRITTEN = { status: 'delivered', ack: 'written' } as const;

/** Options of {@link StdoutSink}. */
export interface StdoutSinkOptions {
  /** For people instead of programs: aligned, coloured on a terminal (NO_COLOR is respected). @defaultValue `false` */
  pretty?: boolean;
  /** A stdio MCP server speaks its protocol on stdout: there, choose `stderr`. @defaultValue `'stdout'` */
  stream?: 'stdout' | 'stderr';
  /** Whose names the lines use. @defaultValue `'documented'` */
  profile?: Profile;
  /** Shown in errors and metrics. @defaultValue the stream's name */
  name?: string;
}

/**
 * Writes each record as one line to standard output, or standard error. Waits for the stream, so that a slow reader slows
 * the sink and not the memory; a reader that has gone away (EPIPE) is a result, not the end of the process.
 *
 * @throws ConfigError for an unknown option or a value of the wrong kind.
 *
 * @example
 * ```ts
 * const sink = new StdoutSink({ pretty: true });
 * ```
 */
export class StdoutSink extends SerialSink {
  readonly #out: GuardedWriter;
  readonly #render: (record: AuditRecord) => string;

  constructor(options: StdoutSinkOptions = {}) {
    requireKnownOptions('StdoutSink', options, ['pretty', 'stream', 'profile', 'name']);
    const target = optionalChoice('StdoutSink.stream', options.stream, ['stdout', 'stderr'], 'stdout');
    const profile = optionalChoice('StdoutSink.profile', options.profile, PROFILES, 'documented');
    super(optionalText('StdoutSink.name', options.name) ?? target);
    const stream = process[target];
    this.#out = new GuardedWriter(stream);
    if (optionalBoolean('StdoutSink.pretty', options.pretty, false)) {
      // hasColors() looks at NO_COLOR, FORCE_COLOR and TERM; a pipe or a file has no such method.
      const colors = stream.isTTY && stream.hasColors();
      this.#render = (record) => prettyRecord(record, { colors, columns: stream.columns });
    } else {
      this.#render = (record) => encodeLine(record, profile);
    }
  }

  protected async deliver(records: readonly AuditRecord[]): Promise<SinkResult> {
    const render = (record: AuditRecord): string => `${this.#render(record)}\n`;
    const { encoded, rejected } = encodeEach(this.name, records, render);
    const fault = await this.#out.write(encoded.join(''));
    if (fault === undefined) return deliveredBut(rejected, records.length, WRITTEN);
    const error = new SinkError(this.name, `${this.name} took no more: ${fault}`);
    return { status: 'permanent', error };
  }
}

/**
 * Writes to a stream of the process. A failed write also raises an `error` event, which would end the process if nobody
 * listened: so there is a listener for as long as such an event may come from a write of ours, and no longer, so that the
 * program's own writes behave as without us.
 */
class GuardedWriter {
  readonly #stream: Writable;
  #underWay = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Resolves when the stream has taken the text, with the code of the fault if it did not. */
  write(text: string): Promise<string | undefined> {
    if (this.#underWay++ === 0) this.#stream.on('error', ignore);
    return new Promise((resolve) => {
      this.#stream.write(text, (fault?: NodeJS.ErrnoException | null) => {
        resolve(fault ? (fault.code ?? fault.name) : undefined);
        // The event comes after this callback.
        setImmediate(() => {
          if (--this.#underWay === 0) this.#stream.off('error', ignore);
        });
      });
    });
  }
}

/** The callback of the write tells the same. */
function ignore(): void {}
