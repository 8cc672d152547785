import { AuditError } from '../errors.js';
import { toJsonLine } from '../codecs/codec.js';
import { after } from '../internal/duration.js';
import type { HeldDraft } from '../pipeline/held.js';
import { prune } from '../redaction/fit.js';
import type { PersonalValues } from '../schema/parts.js';
import type { DraftRecord } from '../schema/record.js';
import { DataKey } from './jwe.js';
import { Splitter, WITHHELD, type PersonalField, type TakenValues } from './personal.js';
import type { SubjectKeys } from './subjectKeys.js';

/** A key in use is looked up again after this time: so soon does a process notice that it was destroyed. */
const RECHECK_MS = 1_000;
/** A data key that was not used for so long is forgotten. */
const IDLE_MS = 60_000;
/** The most data keys that are remembered at once. */
const MOST_KEYS = 10_000;

/** Bytes that records are shorter before their values are encrypted: for three JWE and for what base64url adds to short texts. */
export const RESERVED_BYTES = 4_096;
/** Bytes of a JWE and its object beside the text: header, encrypted data key, nonce, tag, names of fields. */
const JWE_BYTES = 700;
/** Base64url makes four characters of three bytes. */
const EXPANSION = 4 / 3;
/** A text of so many bytes grows by no more than is left of {@link RESERVED_BYTES} beside three JWE. */
const SHORT_BYTES = 5_500;

/** Whom the values of a record concern. */
export interface Concerned {
  /** The actor, where one is known. */
  readonly actor: string | undefined;
  /** For whom the actor acts, where that is known. */
  readonly principal: string | undefined;
  /** Whom all other values concern; `nobody` leaves them as they are, and where nobody could say it they are withheld. */
  readonly subject: { readonly id: string } | 'nobody' | 'unknown';
}

/** How values are protected. */
export interface ProtectorOptions {
  readonly keys: SubjectKeys;
  readonly fields: readonly PersonalField[];
  /** How long a record may be as a line, in bytes. */
  readonly totalBytes: number;
}

/** Told of each record whose values were withheld because something failed. */
type WithheldListener = (error: AuditError) => void;

interface Cached {
  readonly keyId: string;
  /** What stands for the person's id. */
  readonly pseudonym: string;
  readonly dataKey: DataKey;
  checkedAt: number;
  usedAt: number;
}

/** Values of one record for one person. */
interface Group {
  readonly fields: string[];
  readonly values: TakenValues;
}

/** Encrypts the values of records that concern persons, with a key for each person. */
export class Protector {
  readonly #options: ProtectorOptions;
  readonly #splitter: Splitter;
  readonly #onWithheld: WithheldListener;
  readonly #nothing = new Splitter([]);
  readonly #withActor: boolean;
  readonly #withPrincipal: boolean;
  readonly #cache = new Map<string, Cached>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProtectorOptions, onWithheld: WithheldListener) {
    this.#options = options;
    this.#onWithheld = onWithheld;
    this.#withActor = options.fields.includes('actor_id');
    this.#withPrincipal = options.fields.includes('on_behalf_of');
    this.#splitter = new Splitter(
      options.fields.filter((name) => name !== 'actor_id' && name !== 'on_behalf_of'),
    );
  }

  /**
   * The record with its personal values encrypted, or withheld where they cannot be; held, where a key has to be fetched first. Never
   * throws, and never returns them in the clear.
   */
  protect(record: DraftRecord, { actor, principal, subject }: Concerned): DraftRecord | HeldDraft {
    const { rest, taken, fields } = (subject === 'nobody' ? this.#nothing : this.#splitter).split(record);
    const groups = new Map<string, Group>();
    const personal: PersonalValues[] = [];
    if (fields.length > 0) {
      if (typeof subject === 'object') groups.set(subject.id, { fields, values: taken });
      else personal.push({ fields, withheld: 'no_subject' });
    }
    if (this.#withActor && actor !== undefined) addTo(groups, actor, 'actor_id', record.actor_id);
    if (this.#withPrincipal && principal !== undefined)
      addTo(groups, principal, 'on_behalf_of', record.on_behalf_of);
    const finish = () => {
      for (const [id, group] of groups) personal.push(this.#seal(id, group, record, rest, groups.size));
      if (personal.length === 0) return record;
      rest.personal = personal;
      return rest;
    };
    const fetching = this.#fetching(groups.keys());
    return fetching === undefined ? finish() : held(fetching, finish);
  }

  /** Resolves when the keys of these persons are there, or cannot be had; undefined where none has to be fetched. */
  #fetching(subjects: Iterable<string>): Promise<unknown> | undefined {
    const { keys } = this.#options;
    if (keys.ready === undefined) return undefined;
    const fetching: Promise<void>[] = [];
    for (const subject of subjects) {
      try {
        const ready = keys.ready(subject);
        if (ready !== undefined) fetching.push(ready);
      } catch {
        // `keyFor` fails as well, and says why.
      }
    }
    return fetching.length > 0 ? Promise.allSettled(fetching) : undefined;
  }

  /** Forgets all keys. */
  close(): void {
    clearTimeout(this.#timer);
    for (const { dataKey } of this.#cache.values()) dataKey.destroy();
    this.#cache.clear();
  }

  /** Encrypts the values for one person, and puts what stands for their ids into what is left of the record. */
  #seal(
    subject: string,
    { fields, values }: Group,
    record: DraftRecord,
    rest: DraftRecord,
    parts: number,
  ): PersonalValues {
    let standIn = WITHHELD;
    try {
      const key = this.#keyFor(subject);
      if (key === 'erased') return { fields, withheld: 'erased' };
      const jwe = key.dataKey.encrypt(record.record_id, this.#bounded(values, record, parts));
      standIn = key.pseudonym;
      return { fields, key_id: key.keyId, jwe };
    } catch (cause) {
      this.#onWithheld(withheldBecause(cause));
      return { fields, withheld: 'no_key' };
    } finally {
      // After an erasure it is the same for everybody: a pseudonym would tie new records to old ones.
      if ('actor_id' in values) rest.actor_id = standIn;
      if ('on_behalf_of' in values) rest.on_behalf_of = standIn;
    }
  }

  #keyFor(subject: string): Cached | 'erased' {
    const now = performance.now();
    const known = this.#cache.get(subject);
    if (known !== undefined && this.#isKept(known, now)) {
      known.usedAt = now;
      if (!known.dataKey.isSpent) return known;
    }
    if (known !== undefined) this.#forget(subject, known);
    const key = this.#options.keys.keyFor(subject);
    if (key === 'erased') return key;
    const pseudonym = this.#options.keys.pseudonym(subject);
    const made = {
      keyId: key.id,
      pseudonym,
      dataKey: new DataKey(key.id, key.key),
      checkedAt: now,
      usedAt: now,
    };
    if (this.#cache.size >= MOST_KEYS) this.#forgetOldest();
    this.#cache.set(subject, made);
    this.#timer ??= this.#forgetLater();
    return made;
  }

  #isKept(known: Cached, now: number): boolean {
    const { keys } = this.#options;
    // Keys that are fetched are remembered with bounds of their own, which hold to the record.
    if (keys.ready === undefined && now - known.checkedAt < RECHECK_MS) return true;
    known.checkedAt = now;
    return keys.isKept(known.keyId);
  }

  #forgetOldest(): void {
    const [oldest] = this.#cache;
    if (oldest !== undefined) this.#forget(...oldest);
  }

  #forget(subject: string, { dataKey }: Cached): void {
    dataKey.destroy();
    this.#cache.delete(subject);
  }

  #forgetLater(): NodeJS.Timeout {
    return after(IDLE_MS, () => {
      const before = performance.now() - IDLE_MS;
      for (const [subject, entry] of this.#cache) if (entry.usedAt <= before) this.#forget(subject, entry);
      this.#timer = this.#cache.size > 0 ? this.#forgetLater() : undefined;
    }).unref();
  }

  /** The values as JSON. What would make the line too long once it is encrypted is cut, as the redaction policy cuts. */
  #bounded(values: TakenValues, record: DraftRecord, parts: number): string {
    const text = JSON.stringify(values);
    const bytes = Buffer.byteLength(text);
    if (bytes <= SHORT_BYTES) return text;
    const others = Buffer.byteLength(toJsonLine(record)) - bytes;
    const most = Math.floor((this.#options.totalBytes - others - JWE_BYTES * parts) / EXPANSION);
    if (bytes <= most) return text;
    const { truncated = [], ...kept } = values;
    const cuts = JSON.stringify(truncated).length + CUT_BYTES;
    const { value, sizes } = prune(kept, most - cuts);
    return JSON.stringify({
      ...(value as object),
      truncated: [...truncated, { path: 'personal', ...sizes }],
    });
  }
}

/** Whether values of a record are lost because a key could not be had. An operation of which that is known before should not begin. */
export function lacksKey({ personal }: DraftRecord): boolean {
  return personal?.some(({ withheld }) => withheld === 'no_key') === true;
}

/** A record whose keys are being fetched. It is encrypted once, as soon as they are there. */
function held(fetching: Promise<unknown>, finish: () => DraftRecord): HeldDraft {
  let record: DraftRecord | undefined;
  const now = () => (record ??= finish());
  return { ready: fetching.then(now), now };
}

/** Bytes of the entry of `truncated` about a cut, and of its name. */
const CUT_BYTES = 256;

function addTo(
  groups: Map<string, Group>,
  person: string,
  field: 'actor_id' | 'on_behalf_of',
  value: unknown,
): void {
  let group = groups.get(person);
  if (group === undefined) groups.set(person, (group = { fields: [], values: {} }));
  group.fields.push(field);
  group.values[field] = value;
}

function withheldBecause(cause: unknown): AuditError {
  const reason = cause instanceof Error ? cause.message : 'unknown error';
  return new AuditError(
    'MCP_LOG_ERR_ERASURE',
    `personal values of a record were withheld: no key: ${reason}`,
    {
      cause,
    },
  );
}
