import type { Actor, ActorQuestion } from '../identity.js';
import { checkOptions, reject, requireTexts, typeName } from '../internal/options.js';
import { KeyFolder } from './keyFolder.js';
import { masterKeysOf } from './keyFiles.js';
import { PERSONAL_FIELDS, type PersonalField } from './personal.js';
import type { Concerned } from './protector.js';
import type { SubjectKeys } from './subjectKeys.js';

/** What is known of an operation when it is asked whom it concerns. */
export interface SubjectQuestion extends ActorQuestion {
  /** Who acts, where that is known. */
  readonly actor?: Actor | undefined;
  /** The arguments as the caller gave them, not redacted. */
  readonly arguments?: unknown;
}

/**
 * Says whom an operation concerns: the id of a person, or `null` where it concerns nobody. Called once at the start of each operation,
 * synchronously and in the caller's own asynchronous context. `undefined` leaves it to the default.
 */
export type SubjectResolver = (about: SubjectQuestion) => string | null | undefined;

/**
 * Encrypts the values that concern persons, with a key for each, so that destroying the key erases them from every copy of the log.
 *
 * @see docs/erasure.md
 */
export interface ErasureOptions {
  /**
   * Where the keys of persons are: a folder, made with mode 0700 where it does not exist; a store behind a network
   * (`CachedSubjectKeys`); or an object of your own.
   * @variable OTEL_MCP_LOG_SUBJECT_KEYS none: nothing is encrypted
   */
  readonly keys: string | SubjectKeys;
  /**
   * What encrypts the files of that folder: a file of 32 bytes (as they are, in hex or in base64), or the bytes themselves, such as a
   * KMS gives them. Of several, the first encrypts and each decrypts.
   * @defaultValue none: the files of the folder hold their keys in the clear
   * @variable OTEL_MCP_LOG_MASTER_KEY none
   */
  readonly masterKey?: string | Uint8Array | readonly (string | Uint8Array)[];
  /**
   * Whom an operation concerns: a function that gives the id of a person, or `null` for nobody. The id itself is never on record.
   * @defaultValue for whom the actor acts, else the actor, else the session
   */
  readonly subject?: SubjectResolver;
  /**
   * Which fields are encrypted, by their dotted names. `actor_id` and `on_behalf_of` are encrypted for whom they name.
   * @defaultValue all that can be: `actor_id`, `on_behalf_of`, `authority`, `actor_chain`, `commitments`, `error.message`, `data`, and of `mcp` `tool_arguments`, `tool_result`, `prompt_arguments`, `resource_uri`, `meta`, `client_address`, `http_headers`, `oauth`, `roots`
   */
  readonly fields?: readonly string[];
}

/** The options, checked. No file has been looked at. */
export interface ResolvedErasure {
  readonly keys: string | SubjectKeys;
  readonly masterKey: unknown;
  readonly subject: SubjectResolver | undefined;
  readonly fields: readonly PersonalField[];
}

/** @throws ConfigError naming the first option that cannot work. */
export function resolveErasure(given: ErasureOptions | undefined): ResolvedErasure | undefined {
  if (given === undefined) return undefined;
  const { keys, masterKey, subject, fields } = checkOptions('ErasureOptions', 'erasure', given);
  if (typeof keys !== 'string' ? !isStore(keys) : keys.trim() === '')
    reject('erasure.keys', keys, 'the path of a folder, or an object with pseudonym, keyFor and isKept');
  if (masterKey !== undefined && typeof keys !== 'string')
    reject('erasure.masterKey', masterKey, 'nothing, since it is for a folder of keys');
  return { keys, masterKey, subject, fields: fields === undefined ? PERSONAL_FIELDS : known(fields) };
}

/** Opens the folder of keys, or gives the store. @throws ConfigError when it cannot be used. */
export function openKeys({ keys, masterKey }: ResolvedErasure): SubjectKeys {
  if (typeof keys !== 'string') return keys;
  const masterKeys = masterKey === undefined ? [] : masterKeysOf('erasure.masterKey', masterKey);
  return new KeyFolder(keys, { masterKeys, create: true });
}

function isStore(keys: SubjectKeys | undefined): boolean {
  const methods = [keys?.pseudonym, keys?.keyFor, keys?.isKept] as readonly unknown[];
  return methods.every((method) => typeof method === 'function');
}

function known(given: readonly string[]): readonly PersonalField[] {
  return requireTexts('erasure.fields', given).map((name, index) => {
    const found = PERSONAL_FIELDS.find((field) => field === name);
    return found ?? reject(`erasure.fields[${index}]`, name, `one of ${PERSONAL_FIELDS.join(', ')}`);
  });
}

/** What a resolver answered: whom the values concern, undefined for the default, and what is wrong with the answer. */
export interface SubjectAnswer {
  readonly subject?: Concerned['subject'];
  readonly problem?: { readonly message: string; readonly cause?: unknown };
}

/** Asks a resolver. Never throws. An answer that is none makes the values be withheld: they may concern anybody. */
export function askSubject(resolver: SubjectResolver, question: SubjectQuestion): SubjectAnswer {
  let answer: unknown;
  try {
    answer = resolver(question);
  } catch (cause) {
    return { subject: 'unknown', problem: { message: 'the subject function threw', cause } };
  }
  if (answer === undefined) return {};
  if (answer === null) return { subject: 'nobody' };
  if (typeof answer === 'string' && answer.trim() !== '') return { subject: { id: answer } };
  // Its rejection is not the caller's business, and must not end the process as an unhandled one.
  if (answer instanceof Promise) answer.catch(() => undefined);
  const message = `the subject function gave ${answer instanceof Promise ? 'a promise; the person must be known when the operation starts' : typeName(answer)}`;
  return { subject: 'unknown', problem: { message } };
}
