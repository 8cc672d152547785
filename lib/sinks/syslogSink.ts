import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { encodeLine } from '../codecs/json.js';
import type { Profile, EncodingProfileOptions } from '../codecs/profile.js';
import { ConfigError, SinkError } from '../errors.js';
import { after } from '../internal/duration.js';
import { isLoopback } from '../internal/loopback.js';
import { checkOptions, requireText } from '../internal/options.js';
import type { AuditRecord, Severity } from '../schema/record.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import { quietly, type SinkResult } from './sink.js';
import { retry, retryPolicy, type RetryOptions, type RetryPolicy, type TimeoutOptions } from './retry.js';
import { deliveredBut, encodeEach, SerialSink } from './serialSink.js';

/** What `tls.connect` takes to check the receiver and to show who sends. */
type SyslogTlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'minVersion'
>;

/**
 * Options of {@link SyslogSink}.
 *
 * @see docs/destinations.md
 */
export interface SyslogSinkOptions extends TimeoutOptions, EncodingProfileOptions {
  /**
   * The receiver: `tls://host:port` (port 6514, RFC 5425, where it names none), or `tcp://` to this machine (port 601, RFC 6587).
   * @variable OTEL_MCP_LOG_SYSLOG_ENDPOINT none; `syslog` requires it
   */
  readonly endpoint: string | URL;
  /** Certificates: the receiver's authority (`ca`), and the client's own (`cert`, `key`). @defaultValue the authorities that Node trusts, and no certificate of its own */
  readonly tls?: SyslogTlsOptions;
  /**
   * The facility (RFC 5424, table 1).
   * @defaultValue 13, log audit
   * @minimum 0
   * @maximum 23
   */
  readonly facility?: number;
  /** The name of the program that messages name (APP-NAME), up to 48 printable ASCII characters. @defaultValue the record's `component` */
  readonly appName?: string;
  /**
   * How much of what was written last to a connection is written again to the next one, when it breaks: syslog has no
   * acknowledgement, so that nobody knows what of it arrived. The receiver may get records twice; `record_id` tells.
   * @defaultValue 256 KiB
   * @minimum 0
   * @maximum 67,108,864
   * @unit bytes
   */
  readonly resendBytes?: number;
  /** When to try again after a connection that breaks or cannot be made. @defaultValue the default of each of its options */
  readonly retry?: RetryOptions;
  /** The sink's name in errors and metrics. @defaultValue `syslog` */
  readonly name?: string;
}

/** The severities of syslog (RFC 5424, table 2) under their names in the compliance log schema. */
const SEVERITY_CODES: Readonly<Record<Severity, number>> = {
  SEVERITY_EMERGENCY: 0,
  SEVERITY_ALERT: 1,
  SEVERITY_CRITICAL: 2,
  SEVERITY_ERROR: 3,
  SEVERITY_WARNING: 4,
  SEVERITY_NOTICE: 5,
  SEVERITY_INFO: 6,
  SEVERITY_DEBUG: 7,
  SEVERITY_UNSPECIFIED: 6,
};

/** A connection sends a probe after this many milliseconds without traffic, so that a receiver that vanished is noticed. */
const KEEP_ALIVE_MS = 30_000;

const WRITTEN = { status: 'delivered', ack: 'written' } as const;

/**
 * Sends each record as a syslog message (RFC 5424) over TLS (RFC 5425, octet counting). The message is the record's JSON line.
 *
 * Syslog has no acknowledgement: the sink vouches for `written`, that the operating system took the bytes. When a connection breaks,
 * the last of them are sent again on the next (`resendBytes`).
 *
 * @throws ConfigError for an unknown option, a value of the wrong kind, or an address that is not secure.
 *
 * @example
 * ```ts
 * const sink = new SyslogSink({ endpoint: 'tls://logs.example.com', tls: { ca: readFileSync('ca.pem') } });
 * ```
 */
export class SyslogSink extends SerialSink {
  /** The receiver's host and port. */
  readonly destination: string;
  /** The profile whose names it writes, where it was told one. */
  readonly profile: Profile | undefined;
  readonly #connect: () => Promise<Socket>;
  readonly #format: (record: AuditRecord) => Buffer;
  readonly #recent: RecentFrames;
  readonly #retry: RetryPolicy;
  readonly #timeoutMs: number;
  #socket: Socket | undefined;

  constructor(given: SyslogSinkOptions) {
    const options = checkOptions('SyslogSinkOptions', 'SyslogSink', given);
    super(options.name);
    const url = requireReceiver(options.endpoint);
    const { appName } = options;
    if (appName !== undefined && !/^[!-~]{1,48}$/.test(appName))
      throw new ConfigError(
        'SyslogSink.appName',
        'expected 1 to 48 printable ASCII characters (RFC 5424, APP-NAME)',
      );
    this.destination = url.href;
    this.profile = options.profile;
    this.#connect = () => connect(url, options.tls, options.timeoutMs);
    this.#format = (record) =>
      frame(record, { facility: options.facility, appName, profile: options.profile });
    this.#recent = new RecentFrames(options.resendBytes);
    this.#retry = retryPolicy('SyslogSink.retry', options.retry);
    this.#timeoutMs = options.timeoutMs;
  }

  protected async deliver(records: readonly AuditRecord[]): Promise<SinkResult> {
    const { encoded, rejected } = encodeEach(this.name, records, this.#format);
    const delivered = deliveredBut(rejected, records.length, WRITTEN);
    if (encoded.length === 0) return delivered;
    return retry<SinkResult>(
      async (remainingMs) => {
        try {
          await this.#write(encoded, remainingMs);
          return delivered;
        } catch (fault) {
          const { code, name } = fault as NodeJS.ErrnoException;
          const error = new SinkError(this.name, `${this.destination} took no more: ${code ?? name}`);
          return { status: 'retryable', error };
        }
      },
      this.#retry,
      this.#timeoutMs,
    );
  }

  protected override async release(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    // `end` sends what is left and close_notify; the receiver's own end follows.
    await new Promise<void>((resolve) => {
      const timer = after(this.#timeoutMs, () => socket.destroy());
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
  }

  async #write(frames: readonly Buffer[], remainingMs: number): Promise<void> {
    let socket = this.#socket;
    if (socket === undefined || !socket.writable) {
      socket = this.#socket = await quietly(this.#connect);
      const again = this.#recent.all();
      if (again.length > 0) await written(socket, again, remainingMs);
    }
    this.#recent.add(frames);
    await written(socket, Buffer.concat(frames), remainingMs);
  }
}

/** What was written last, up to a number of bytes: whole frames, the newest of them. */
class RecentFrames {
  #frames: Buffer[] = [];
  #bytes = 0;

  constructor(private readonly most: number) {}

  add(frames: readonly Buffer[]): void {
    this.#frames.push(...frames);
    this.#bytes += frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
    let gone = 0;
    while (this.#bytes > this.most) this.#bytes -= this.#frames[gone++]?.byteLength ?? 0;
    this.#frames.splice(0, gone);
  }

  all(): Buffer {
    return Buffer.concat(this.#frames);
  }
}

/** A message with its length before it: `MSG-LEN SP SYSLOG-MSG` (RFC 5425, 4.3). */
function frame(record: AuditRecord, options: FrameOptions): Buffer {
  const message = Buffer.from(messageOf(record, options));
  return Buffer.concat([Buffer.from(`${message.byteLength} `), message]);
}

interface FrameOptions {
  readonly facility: number;
  readonly appName: string | undefined;
  readonly profile: Profile | undefined;
}

/** `meta` has a number for each message, from 1 (RFC 5424, 7.3.1), after whose largest value it begins anew. */
const MOST_SEQUENCE_ID = 2 ** 31 - 1;

/**
 * One message (RFC 5424, 6). Its text has no byte order mark, which readers of JSON do not expect: it counts as octets in any
 * encoding (MSG-ANY).
 */
function messageOf(record: AuditRecord, { facility, appName, profile }: FrameOptions): string {
  const priority = facility * 8 + (SEVERITY_CODES[record.severity] ?? SEVERITY_CODES.SEVERITY_UNSPECIFIED);
  const header = [
    `<${priority}>1`,
    record.time,
    field(hostname(), 255),
    field(appName ?? record.component, 48),
    String(process.pid),
    field(record.event_type.replace(/^EVENT_/, ''), 32),
  ].join(' ');
  const origin = `[origin software="${PACKAGE_NAME}" swVersion="${PACKAGE_VERSION}"]`;
  const meta = `[meta sequenceId="${(record.seq % MOST_SEQUENCE_ID) + 1}"]`;
  return `${header} ${origin}${meta} ${encodeLine(record, profile)}`;
}

/** A header field: printable ASCII without spaces, of at most so many characters; `-` for nothing (NILVALUE). */
function field(text: string, most: number): string {
  return text.replace(/[^!-~]+/g, '_').slice(0, most) || '-';
}

/** Default ports: RFC 5425, 4.1, and IANA's `syslog-conn`. */
const PORTS: Readonly<Record<string, string>> = { 'tls:': '6514', 'tcp:': '601' };

/** @throws ConfigError for what is no such address, or one that records would go to in the clear. It does not quote it. */
function requireReceiver(value: unknown): URL {
  const option = 'SyslogSink.endpoint';
  const text = value instanceof URL ? value.href : requireText(option, value, 'a URL');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const port = PORTS[url?.protocol ?? ''];
  if (url === undefined || port === undefined || url.hostname === '')
    throw new ConfigError(option, "expected an address such as 'tls://logs.example.com:6514'");
  if (url.protocol === 'tcp:' && !isLoopback(url.hostname))
    throw new ConfigError(option, 'expected tls:// (tcp:// only to this machine)');
  return new URL(`${url.protocol}//${url.hostname}:${url.port || port}`);
}

/** Connects, and checks the receiver's certificate (RFC 5425, 5.2). Rejects with an error that has a `code`. */
async function connect(url: URL, options: SyslogTlsOptions = {}, timeoutMs: number): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const address = { host, port: Number(url.port) };
  const secure = url.protocol === 'tls:';
  const socket = secure
    ? (await import('node:tls')).connect({ servername: isName(host) ? host : '', ...options, ...address })
    : (await import('node:net')).connect(address);
  await settled(socket, secure ? 'secureConnect' : 'connect', timeoutMs);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // The process may end while the connection is idle. A receiver's answer is read and dropped, so that its end is noticed.
  socket.unref();
  socket.resume();
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.destroy());
  return socket;
}

/** Server names are names, not addresses (RFC 6066, 3). */
function isName(host: string): boolean {
  return !/^[\d.]+$|:/.test(host);
}

/** Resolves with an event of a socket; rejects with its error, or when the time is up. */
function settled(socket: Socket, event: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = after(timeoutMs, () => socket.destroy(coded('ETIMEDOUT')));
    const done = (): void => {
      clearTimeout(timer);
      socket.off('error', fail).off('close', gone).off(event, ready);
    };
    const ready = (): void => (done(), resolve());
    const fail = (fault: Error): void => (done(), reject(fault));
    const gone = (): void => fail(coded('ECONNRESET'));
    socket.once('error', fail).once('close', gone).once(event, ready);
  });
}

/** Resolves when the operating system has taken the bytes. */
function written(socket: Socket, bytes: Buffer, remainingMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = after(remainingMs, () => socket.destroy(coded('ETIMEDOUT')));
    const gone = (): void => done(coded('ECONNRESET'));
    const done = (fault?: Error | null): void => {
      clearTimeout(timer);
      socket.off('close', gone);
      if (fault) reject(fault);
      else resolve();
    };
    socket.once('close', gone);
    socket.write(bytes, done);
  });
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
