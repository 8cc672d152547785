import { propagation, trace, type Context } from '@opentelemetry/api';
import type { ActorType } from './schema/record.js';
import { reject, requireText, typeName } from './internal/options.js';

/** One party that acts, or for which another acts. */
export interface ActorLink {
  /** Names one party and no other, e.g. a user's id (HIPAA 164.312(a)(2)(i): unique user identification). */
  readonly id: string;
  /** What kind of party it is. Default for who acts: the option `actorType`; for the others of a chain: not known. */
  readonly type?: ActorType;
  /** The issuer of the token that says so, where your program has verified that token. Default: nobody has checked it. */
  readonly verifiedBy?: string;
}

/** Who acts. */
export interface Actor extends ActorLink {
  /** Whose data is at stake. Default: the option `tenantId`. */
  readonly tenantId?: string;
  /** The parties that stand behind this one, the nearest first: of a sub-agent its agent, then the user. Default: none. */
  readonly chain?: readonly ActorLink[];
  /**
   * For whom the party acts: the user whose agent it is. Default: the last of `chain`, else the option `onBehalfOf`, else the subject of
   * the OAuth token.
   */
  readonly onBehalfOf?: string;
  /** By what authority it does, without secrets. Default: the OAuth token, where its subject is who it acts for. */
  readonly authority?: Authority;
}

/** By what authority a party acts for another. */
interface Authority {
  /** What gives it: `session`, `approval`, `token`, or a word of your own. */
  readonly type: string;
  /** Which one: the id of the session, the approval, the ticket. Never a secret. */
  readonly id?: string;
  /** Who gave it: the issuer of a token, or who approved. */
  readonly issuer?: string;
}

/** What is known of an operation when its actor is asked for. */
export interface ActorQuestion {
  /** The protocol's method, e.g. `tools/call`; the operation's name where user code is audited. */
  readonly method: string;
  /** The resource that will be on record, e.g. `tools/search`. */
  readonly resource: string;
  /** The tool, where one is called. */
  readonly toolName?: string | undefined;
  /** The session id that will be on record. */
  readonly sessionId: string;
  /** Self-reported by the server, and unknown before the handshake. */
  readonly serverName?: string | undefined;
  /** The caller's OpenTelemetry context: baggage and the active span can be read from it. */
  readonly context: Context;
}

/**
 * Says who acts. Called once at the start of each operation, synchronously and in the caller's own asynchronous context, so
 * that an `AsyncLocalStorage` of yours gives the user whose request is being served.
 */
export type ActorResolver = (about: ActorQuestion) => string | Actor | undefined;

/** The answer to one question: an actor, or why there is none. */
export interface ActorAnswer {
  readonly actor?: Actor;
  readonly problem?: { readonly message: string; readonly cause?: unknown };
}

const ACTOR_TYPES: readonly unknown[] = ['user', 'agent', 'service'] satisfies ActorType[];

/** Checks the option `actorId`: undefined where nobody was named. */
export function resolveActorOption(actor: unknown): Actor | ActorResolver | undefined {
  if (actor === undefined || typeof actor === 'function') return actor as ActorResolver | undefined;
  return Object.freeze({ id: requireText('actorId', actor, 'a non-empty string or a function') });
}

/** Checks the option `requireActor` against `actorId`: a log that needs actors and has no way to learn them cannot work. */
export function requireActorOption(required: boolean, actor: unknown): boolean {
  if (required && actor === undefined)
    reject('actorId', actor, 'a string or a function, since requireActor is set');
  return required;
}

/** Asks a resolver, and takes nothing from it that is not an actor. Never throws. */
export function askActor(resolver: ActorResolver, question: ActorQuestion): ActorAnswer {
  let answer: unknown;
  try {
    answer = resolver(question);
    if (answer === undefined || answer === null || answer === '') return {};
    if (typeof answer === 'string') return answer.trim() === '' ? {} : { actor: { id: answer } };
    return readActor(answer);
  } catch (cause) {
    return { problem: { message: 'the actorId function threw', cause } };
  }
}

function readActor(answer: unknown): ActorAnswer {
  if (answer instanceof Promise) {
    // Its rejection is not the caller's business, and must not end the process as an unhandled one.
    answer.catch(() => undefined);
    return wrongAnswer('a promise; the actor must be known when the operation starts');
  }
  const link = linkIn(answer);
  if (typeof link === 'string') return wrongAnswer(link);
  const { tenantId, onBehalfOf, authority, chain } = answer as Record<keyof Actor, unknown>;
  if (tenantId !== undefined && (typeof tenantId !== 'string' || tenantId === ''))
    return wrongAnswer(`${typeName(tenantId)} as tenantId`);
  if (onBehalfOf !== undefined && !isText(onBehalfOf))
    return wrongAnswer(`${typeName(onBehalfOf)} as onBehalfOf`);
  const given = authority === undefined ? undefined : authorityIn(authority);
  if (authority !== undefined && given === undefined)
    return wrongAnswer('an authority that is no object of a type, an id and an issuer in texts');
  const behind = chain === undefined ? undefined : chainIn(chain);
  if (typeof behind === 'string') return wrongAnswer(behind);
  return {
    actor: {
      ...link,
      ...(tenantId !== undefined && { tenantId }),
      ...(behind !== undefined && behind.length > 0 && { chain: behind }),
      ...(onBehalfOf !== undefined && { onBehalfOf }),
      ...(given !== undefined && { authority: given }),
    },
  };
}

/** The party in an answer, or what is wrong with it. */
function linkIn(answer: unknown): ActorLink | string {
  if (typeof answer !== 'object' || answer === null) return `${typeName(answer)} in place of an actor`;
  const { id, type, verifiedBy } = answer as Record<keyof ActorLink, unknown>;
  if (!isText(id)) return `${typeName(answer)} without an id`;
  if (type !== undefined && !ACTOR_TYPES.includes(type)) return 'an unknown actor type';
  if (verifiedBy !== undefined && !isText(verifiedBy)) return `${typeName(verifiedBy)} as verifiedBy`;
  return {
    id,
    ...(type !== undefined && { type: type as ActorType }),
    ...(verifiedBy !== undefined && { verifiedBy }),
  };
}

function chainIn(chain: unknown): readonly ActorLink[] | string {
  if (!Array.isArray(chain)) return `${typeName(chain)} as chain`;
  const links = chain.map((each: unknown) => linkIn(each));
  const wrong = links.find((each) => typeof each === 'string');
  return wrong === undefined ? (links as ActorLink[]) : `${wrong}, in the chain`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** The authority in an answer, without what else is in it. */
function authorityIn(value: unknown): Authority | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, id, issuer } = value as Record<keyof Authority, unknown>;
  if (!isText(type) || ![id, issuer].every((each) => each === undefined || isText(each))) return undefined;
  return {
    type,
    ...(id !== undefined && { id: id as string }),
    ...(issuer !== undefined && { issuer: issuer as string }),
  };
}

function wrongAnswer(what: string): ActorAnswer {
  return { problem: { message: `the actorId function gave ${what}` } };
}

/**
 * A resolver for `actorId` that reads a baggage entry. Baggage may come from outside with a request: use it only where
 * something that you trust has set or checked it.
 *
 * @throws ConfigError when the key is no text.
 *
 * @example
 * ```ts
 * new AuditSpanProcessor({ environment, sink, actorId: actorFromBaggage('enduser.id') });
 * ```
 */
export function actorFromBaggage(key: string): ActorResolver {
  requireText('actorFromBaggage', key);
  return ({ context }) => propagation.getBaggage(context)?.getEntry(key)?.value;
}

/**
 * A resolver for `actorId` that reads an attribute of the active span, e.g. `user.id` as your HTTP server's middleware has
 * set it. Gives nothing where the span is not recorded, since such a span keeps no attributes.
 *
 * @throws ConfigError when the attribute is no text.
 */
export function actorFromSpan(attribute: string): ActorResolver {
  requireText('actorFromSpan', attribute);
  return ({ context }) => {
    const span = trace.getSpan(context) as { attributes?: Record<string, unknown> } | undefined;
    const value = span?.attributes?.[attribute];
    return typeof value === 'string' ? value : undefined;
  };
}
