import { AuditError } from '../errors.js';
import { after, sleep } from '../internal/duration.js';
import { checkOptions, reject } from '../internal/options.js';
import { KEY_BYTES } from './jwe.js';
import type { SubjectKey, SubjectKeys, SubjectKeyStore } from './subjectKeys.js';

/**
 * How long, how often and how many keys of a store are used without asking it again: the bounds of the caches of data keys that the
 * AWS Encryption SDK has.
 *
 * @see docs/erasure.md
 */
export interface SubjectKeyCacheOptions {
  /**
   * How long a key is used before the store is asked again: so soon does a process notice that a person was erased elsewhere.
   * @defaultValue 300,000
   * @minimum 1
   * @unit ms
   */
  readonly maxAgeMillis?: number;
  /**
   * How many records a key encrypts before the store is asked again.
   * @defaultValue 1,000,000
   * @minimum 1
   */
  readonly maxRecords?: number;
  /**
   * How many keys are remembered at once. The one that was used longest ago makes room.
   * @defaultValue 10,000
   * @minimum 1
   */
  readonly maxKeys?: number;
  /**
   * How long a record waits for its key, all attempts included; then its values are withheld. No record waits longer than half of
   * the log's `exportTimeoutMillis`.
   * @defaultValue 5,000
   * @minimum 1
   * @unit ms
   */
  readonly timeoutMillis?: number;
}

interface Entry {
  /** A copy, which is overwritten when the key is forgotten. */
  readonly key: SubjectKey | 'erased';
  readonly since: number;
  records: number;
}

/** The first pause between two attempts; each further one is twice as long. */
const FIRST_RETRY_MS = 50;
/** A store that has failed so many times in a row is left alone for a while, so that not every record waits for it. */
const FAILURES_IN_A_ROW = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A key that is still in use is asked for again at this part of its age, while records go on with it. */
const REFRESH_AT = 0.8;
const LONGEST_ID = 256;

/**
 * Keys of persons from a store behind a network, such as a KMS, with a cache. The first record of a person waits in the queue until
 * the key is there, and so do the records after it, which keeps their order; the caller waits as its mode says. Where the store fails
 * or takes too long, the values of the record are withheld, and `onError` hears of it; in `blocking-strict`, the operation is refused.
 * Several logs may share one object.
 *
 * @example
 * ```ts
 * const keys = new CachedSubjectKeys({
 *   get: (subject) => myKms.find(subject),
 *   create: (subject) => myKms.generate(subject),
 *   destroy: (subject) => myKms.destroy(subject),
 * });
 * new AuditSpanProcessor({ environment: 'production', sink, erasure: { keys } });
 * // When somebody asks to be forgotten:
 * await keys.erase('u-4711');
 * ```
 */
export class CachedSubjectKeys implements SubjectKeys {
  readonly #store: SubjectKeyStore;
  readonly #options: Required<SubjectKeyCacheOptions>;
  /** By person, the one that was used longest ago first. */
  readonly #entries = new Map<string, Entry>();
  readonly #ids = new Set<string>();
  readonly #asking = new Map<string, Promise<void>>();
  /** How many erasures there were: what was asked for before one may be a key that is destroyed now. */
  #erasures = 0;
  #failure: unknown;
  #failures = 0;
  #pausedUntil = 0;
  #sweeper: NodeJS.Timeout | undefined;

  /** @throws ConfigError when the store or an option cannot work. */
  constructor(store: SubjectKeyStore, options: SubjectKeyCacheOptions = {}) {
    const methods = [store.get, store.create, store.destroy] as readonly unknown[];
    if (!methods.every((method) => typeof method === 'function'))
      reject('store', store, 'an object with get, create and destroy');
    this.#store = store;
    this.#options = checkOptions('SubjectKeyCacheOptions', 'subjectKeys', options);
  }

  /** Fetches a person's key where it is not at hand, or too old. Never rejects. */
  ready(subject: string): Promise<void> | undefined {
    const now = performance.now();
    const entry = this.#entries.get(subject);
    const { maxAgeMillis, maxRecords } = this.#options;
    if (entry !== undefined) {
      const age = now - entry.since;
      if (age < maxAgeMillis && entry.records < maxRecords) {
        entry.records++;
        this.#entries.delete(subject);
        this.#entries.set(subject, entry);
        if (age > maxAgeMillis * REFRESH_AT && now >= this.#pausedUntil) void this.#ask(subject);
        return undefined;
      }
      this.#forget(subject);
    }
    return now < this.#pausedUntil ? undefined : this.#ask(subject);
  }

  /** The key, which {@link ready} has fetched. @throws what the store failed with. */
  keyFor(subject: string): SubjectKey | 'erased' {
    const entry = this.#entries.get(subject);
    if (entry !== undefined) return entry.key;
    throw this.#failure ?? new Error('the key had not come yet');
  }

  /** `subject/` and the id of the person's key. */
  pseudonym(subject: string): string {
    const key = this.keyFor(subject);
    return `subject/${key === 'erased' ? key : key.id}`;
  }

  /** Whether a key is remembered. */
  isKept(keyId: string): boolean {
    return this.#ids.has(keyId);
  }

  /**
   * Destroys the key of a person in the store. When the promise resolves, this process has forgotten it too, and withholds the values
   * of the person from then on; other processes notice within `maxAgeMillis`.
   *
   * @throws AuditError when the store could not destroy it: call again.
   */
  async erase(subject: string): Promise<void> {
    try {
      await this.#store.destroy(subject);
    } catch (cause) {
      throw new AuditError('MCP_LOG_ERR_ERASURE', 'the store could not destroy the key of a person', {
        cause,
      });
    } finally {
      this.#erasures++;
      this.#forget(subject);
    }
  }

  #ask(subject: string): Promise<void> {
    let asking = this.#asking.get(subject);
    if (asking === undefined) {
      asking = this.#fetch(subject).finally(() => this.#asking.delete(subject));
      this.#asking.set(subject, asking);
    }
    return asking;
  }

  /** Asks until there is an answer or no time left. Never rejects. */
  async #fetch(subject: string): Promise<void> {
    const deadline = performance.now() + this.#options.timeoutMillis;
    for (let pause = FIRST_RETRY_MS; ; pause *= 2) {
      const erasures = this.#erasures;
      try {
        const key = checked(await within(deadline - performance.now(), this.#getOrCreate(subject)));
        if (erasures !== this.#erasures) continue;
        this.#keep(subject, key);
        this.#failures = 0;
        return;
      } catch (cause) {
        this.#failure = cause;
        if (performance.now() + pause >= deadline) return this.#failed();
        await sleep(pause);
      }
    }
  }

  async #getOrCreate(subject: string): Promise<SubjectKey | 'erased'> {
    return (await this.#store.get(subject)) ?? (await this.#store.create(subject));
  }

  #failed(): void {
    const beyond = ++this.#failures - FAILURES_IN_A_ROW;
    if (beyond >= 0)
      this.#pausedUntil = performance.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** beyond);
  }

  #keep(subject: string, key: SubjectKey | 'erased'): void {
    this.#forget(subject);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size >= this.#options.maxKeys) this.#forget(oldest);
    const own = key === 'erased' ? key : { id: key.id, key: Uint8Array.from(key.key) };
    this.#entries.set(subject, { key: own, since: performance.now(), records: 0 });
    if (own !== 'erased') this.#ids.add(own.id);
    this.#sweeper ??= this.#sweepLater();
  }

  #forget(subject: string): void {
    const key = this.#entries.get(subject)?.key;
    this.#entries.delete(subject);
    if (key === undefined || key === 'erased') return;
    this.#ids.delete(key.id);
    key.key.fill(0);
  }

  /** Forgets keys that nobody asks for. One that a record waits with for another key stays. */
  #sweepLater(): NodeJS.Timeout {
    const { maxAgeMillis, timeoutMillis } = this.#options;
    return after(maxAgeMillis + timeoutMillis, () => {
      const before = performance.now() - maxAgeMillis - timeoutMillis;
      for (const [subject, { since }] of this.#entries) if (since <= before) this.#forget(subject);
      this.#sweeper = this.#entries.size > 0 ? this.#sweepLater() : undefined;
    }).unref();
  }
}

/** @throws Error when the store's answer is no key. Its message quotes nothing of it. */
function checked(key: SubjectKey | 'erased'): SubjectKey | 'erased' {
  if (key === 'erased') return key;
  const { id, key: bytes } = key as Partial<SubjectKey>;
  if (typeof id !== 'string' || id === '' || id.length > LONGEST_ID)
    throw new Error(`the store gave a key without an id of 1 to ${LONGEST_ID} characters`);
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES)
    throw new Error(`the store gave a key that is not of ${KEY_BYTES} bytes`);
  return key;
}

/** The answer, or an error where it takes longer. */
async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, refuse) => {
    timer = after(milliseconds, () => refuse(new Error('the store took too long')));
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
