import { isDeepStrictEqual } from 'node:util';
import type { EventType } from '../schema/record.js';

/** What an operation acts on, read from its parameters. */
export interface Subject {
  readonly toolName?: string | undefined;
  readonly promptName?: string | undefined;
  readonly uri?: string | undefined;
  readonly taskId?: string | undefined;
  /** The caller's own object: never changed, only read when the record is made. */
  readonly arguments?: unknown;
}

/** Event types by schema profile. */
export interface EventNames {
  readonly documented: EventType;
  readonly '0.2': EventType;
}

/** What one row of the table of operations declares. */
export interface OperationRow {
  /** The protocol's method. */
  readonly method: string;
  /** The event type: one name for both profiles of the schema, or the documented one and that of profile 0.2. */
  readonly event: EventNames['documented'] | EventNames;
  /** `{name}`, `{uri}` and `{task}` stand for what the operation acts on. */
  readonly resource: string | ((subject: Subject) => string);
  /** One plain sentence, without a full stop and without argument values; `{name}` as above. */
  readonly summary: string;
}

/** A row, ready for use. */
export interface Operation {
  readonly method: string;
  readonly event: EventNames;
  /** Reads what an operation acts on from its parameters, which may be anything. */
  subject(params: unknown): Subject;
  resource(subject: Subject): string;
  summary(subject: Subject): string;
}

type SubjectReader = (this: void, params: Record<string, unknown>) => Subject;

const rows = new WeakMap<object, Map<string, Operation>>();

/**
 * Declares which MCP operation a method of the SDK's `Client` is. Decorates static members of a table class: the member's name is
 * the client's method, and a method's body reads the subject from the parameters. A field stands for an operation without one.
 */
export function operation(row: OperationRow) {
  return (
    read: SubjectReader | undefined,
    context: ClassMethodDecoratorContext | ClassFieldDecoratorContext,
  ): void => {
    context.addInitializer(function (this: unknown) {
      const table = this as object;
      const declared = rows.get(table) ?? new Map<string, Operation>();
      rows.set(table, declared.set(String(context.name), prepare(row, read)));
    });
  };
}

/** All operations that a table class declares, by the name of the client's method. */
export function operationsOf(table: object): ReadonlyMap<string, Operation> {
  return rows.get(table) ?? new Map();
}

/** A row outside of the tables: for a method of the protocol that the SDK's client has no method for. */
export function prepare(row: OperationRow, read?: SubjectReader): Operation {
  const event = typeof row.event === 'string' ? { documented: row.event, '0.2': row.event } : row.event;
  return {
    method: row.method,
    event,
    subject: read === undefined ? () => ({}) : (params) => readSafely(read, params),
    resource: typeof row.resource === 'function' ? row.resource : filler(row.resource),
    summary: filler(row.summary),
  };
}

/** Fills a template with what an operation acts on, or with `unknown name` where that is not known. */
function filler(template: string): (subject: Subject) => string {
  const [before = '', key, after = ''] = template.split(/\{(name|uri|task)\}/);
  if (key === undefined) return () => template;
  return (subject) => `${before}${subjectPart(subject, key) ?? `unknown ${key}`}${after}`;
}

function subjectPart(subject: Subject, key: string): string | undefined {
  if (key === 'uri') return subject.uri;
  return key === 'task' ? subject.taskId : (subject.toolName ?? subject.promptName);
}

/** Reads the subject. Parameters may be anything, also a Proxy that throws: the subject is empty then. */
function readSafely(read: SubjectReader, params: unknown): Subject {
  if (typeof params !== 'object' || params === null) return {};
  try {
    return read(params as Record<string, unknown>);
  } catch {
    return {};
  }
}

/** What a client did, in the words of the server that it asked: `A client called tool echo`. */
export function servedSummary(method: string, summary: string): string {
  return method === 'close' ? summary : `A client ${summary.charAt(0).toLowerCase()}${summary.slice(1)}`;
}

/** Whether two subjects are the same: the same tool with the same arguments, for example. */
export function isSameSubject(one: Subject, other: Subject): boolean {
  return (
    one.toolName === other.toolName &&
    one.promptName === other.promptName &&
    one.uri === other.uri &&
    one.taskId === other.taskId &&
    (one.arguments === other.arguments || isAlike(one.arguments, other.arguments))
  );
}

function isAlike(one: unknown, other: unknown): boolean {
  try {
    return isDeepStrictEqual(one, other);
  } catch {
    // A getter of the arguments threw, and the SDK will fail on it.
    return true;
  }
}
