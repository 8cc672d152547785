import { toJsonLine, textCodec, type Codec, type TextFraming } from './codec.js';
import { inFixedOrder, fromProfile, toProfile, type WireRecord, type Profile } from './profile.js';
import type { AuditRecord } from '../schema/record.js';

type Fields = Readonly<Record<string, unknown>>;

/** Fields that differ in every record. Which other fields differ is learnt from the records. */
const CHANGING = [
  ...['record_id', 'seq', 'time', 'duration_ms', 'correlation_id', 'trace_id', 'span_id', 'parent_span_id'],
  ...['mcp.request_id', 'mcp.tool_arguments', 'mcp.prompt_arguments', 'mcp.tool_result'],
];

/** How many tools and methods are remembered: there are few, but a caller may invent names without end. */
const MOST_KINDS = 500;
/** How many forms of one tool are kept: its records may have different fields, such as with and without a parent. */
const MOST_FORMS = 4;

/** Text that JSON writes without escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** A field of a form. */
interface Slot {
  readonly key: string;
  /** The name of the field in the whole record: `mcp.tool_name`. */
  readonly name: string;
  /** The fields of its value, where those have slots of their own: of `mcp`. */
  readonly parts?: readonly Slot[];
  /** Whether the value is part of the form's text. */
  readonly isConstant: boolean;
  readonly value: unknown;
  /** The text before the value. */
  readonly before: string;
  /** Whether the value is a string: its quotes are then part of the text around it. */
  readonly isText: boolean;
}

/** The text that the lines of some records have in common. */
interface Form {
  readonly slots: readonly Slot[];
  readonly end: string;
}

/** A record has other fields than a form, or a value that is encoded with the whole record alone. */
const UNLIKE = Symbol('unlike');

/**
 * Writes records as lines, and encodes only once what they have in common: from call to call, hardly more differs than ids, the
 * time and the arguments. The text of a value is used only while the record has that same value, so that a line is always what
 * {@link toJsonLine} makes of the whole record.
 */
export class LineForms {
  readonly #forms = new Map<string, Form[]>();

  /** The line of a record; nothing where the record must be encoded as a whole. */
  lineOf(record: WireRecord): string | undefined {
    const kind = record.mcp?.tool_name ?? record.mcp?.method;
    if (kind === undefined || record.error !== undefined) return undefined;
    for (const form of this.#forms.get(kind) ?? []) {
      const line = write('', record, form.slots);
      if (line === UNLIKE) continue;
      if (typeof line === 'string') return line + form.end;
      this.#learn(kind, record, form, line);
      return undefined;
    }
    this.#learn(kind, record);
    return undefined;
  }

  /** Makes a form of a record. It replaces `former`, which took the field `other` for the same in all records. */
  #learn(kind: string, record: WireRecord, former?: Form, other?: Slot): void {
    const varying = new Set(former === undefined ? CHANGING : changingIn(former.slots));
    if (other !== undefined) varying.add(other.name);
    const form = formOf(record, varying);
    if (form === undefined) return;
    if (this.#forms.size >= MOST_KINDS) this.#forms.clear();
    const others = (this.#forms.get(kind) ?? []).filter((each) => each !== former);
    this.#forms.set(kind, [form, ...others].slice(0, MOST_FORMS));
  }
}

function changingIn(slots: readonly Slot[]): string[] {
  return slots.flatMap(({ name, parts, isConstant }) =>
    parts === undefined ? (isConstant ? [] : [name]) : changingIn(parts),
  );
}

/**
 * Adds the fields of an object to a line. Gives the first field whose value is not the one in the form's text, where there is one.
 *
 * One loop over the object's own list of fields: V8 then finds a value by its place, and not by its name, which costs several times
 * as much.
 */
function write(line: string, value: object, slots: readonly Slot[]): string | Slot | typeof UNLIKE {
  if ('toJSON' in value) return UNLIKE;
  let index = 0;
  for (const key in value) {
    const slot = slots[index++];
    if (slot?.key !== key) return UNLIKE;
    const field = (value as Fields)[key];
    if (slot.isConstant) {
      if (field !== slot.value) return slot;
      continue;
    }
    if (slot.parts !== undefined) {
      const written: string | Slot | typeof UNLIKE =
        typeof field === 'object' && field !== null ? write(line, field, slot.parts) : UNLIKE;
      if (typeof written !== 'string') return written;
      line = written;
    } else if (typeof field === 'string') {
      if (!slot.isText) return UNLIKE;
      line += slot.before;
      line += PLAIN.test(field) ? field : toJsonLine(field).slice(1, -1);
    } else {
      const text = slot.isText ? undefined : textOf(field);
      if (text === undefined) return UNLIKE;
      line += slot.before;
      line += text;
    }
  }
  return index === slots.length ? line : UNLIKE;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  return value === undefined || typeof value === 'function' || typeof value === 'symbol'
    ? undefined
    : toJsonLine(value);
}

/** Makes a form; nothing for a record that JSON would not write field by field, in their present order. */
function formOf(record: WireRecord, varying: ReadonlySet<string>): Form | undefined {
  if (inFixedOrder(record) !== record || !isPlain(record) || !isPlain(record.mcp)) return undefined;
  let text = '';
  const slotsOf = (object: object, prefix: string): Slot[] | undefined => {
    const slots: Slot[] = [];
    text += '{';
    for (const [key, value] of Object.entries(object) as [string, unknown][]) {
      const name = prefix + key;
      text += `${slots.length === 0 ? '' : ','}${toJsonLine(key)}:`;
      const isChanging = varying.has(name) || !isFixed(value);
      const isText = typeof value === 'string';
      if (name === 'mcp') {
        const parts = slotsOf(value as object, 'mcp.');
        if (parts === undefined) return undefined;
        slots.push({ key, name, parts, isConstant: false, value: undefined, before: '', isText: false });
      } else if (isChanging) {
        const before = inOnePiece(isText ? `${text}"` : text);
        slots.push({ key, name, isConstant: false, value: undefined, before, isText });
        text = isText ? '"' : '';
      } else {
        const encoded = textOf(value);
        if (encoded === undefined) return undefined;
        slots.push({ key, name, isConstant: true, value, before: '', isText });
        text += encoded;
      }
    }
    text += '}';
    return slots;
  };
  const slots = slotsOf(record, '');
  return slots && { slots, end: inOnePiece(text) };
}

/** V8 keeps a joined text as a tree of its parts, and would go through this tree for each line. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !('toJSON' in value)
  );
}

/** Whether `===` proves that a value is unchanged: for primitives it does, for objects only if they are flat and frozen. */
function isFixed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const isKnown = Array.isArray(value) || isPlain(value);
  const isDeep = () => Object.values(value).some((item) => typeof item === 'object' && item !== null);
  return isKnown && Object.isFrozen(value) && !isDeep();
}

/**
 * A record as one line of JSON, without the line feed, in the names of its own profile or of one that is asked for. Its fields are in
 * a fixed order; control and direction characters are escaped.
 *
 * @example
 * ```ts
 * stream.write(`${encodeLine(record)}\n`);
 * ```
 */
export function encodeLine(record: AuditRecord, profile?: Profile): string {
  const wire = toProfile(record, profile);
  return forms.lineOf(wire) ?? toJsonLine(inFixedOrder(wire));
}

const forms = new LineForms();

/**
 * The record that a line holds.
 *
 * @throws SyntaxError when the line is not JSON or not a record. Its message names the fault, and does not quote the line.
 */
export function decodeLine(line: string, profile?: Profile): AuditRecord {
  const value = parse(line);
  if (typeof value !== 'object' || value === null || !('record_id' in value))
    throw new SyntaxError('not an audit record: no object with a record_id');
  return fromProfile(value as WireRecord, profile);
}

/** The default codec: one JSON object per record; batches as NDJSON (default) or as one array. */
export function jsonCodec({
  profile,
  framing = 'ndjson',
}: { profile?: Profile; framing?: TextFraming } = {}): Codec {
  return textCodec('json', (record) => encodeLine(record, profile), framing);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The engine's own message quotes the line, which may be confidential.
    throw new SyntaxError('not an audit record: the line is not JSON');
  }
}
