import type { AuditRecord } from '../schema/record.js';
import { toJsonLine } from './line.js';
import { inFixedOrder } from './order.js';

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

/** A field whose value is part of a form's text. */
interface Constant {
  readonly ofMcp: boolean;
  readonly key: string;
  readonly value: unknown;
}

/** A field that is encoded for each record, with the text before it. */
interface Changing {
  readonly ofMcp: boolean;
  readonly key: string;
  readonly before: string;
  /** Whether the value is a string: its quotes are then part of the text around it. */
  readonly isText: boolean;
}

/** The text that the lines of some records have in common. */
interface Form {
  readonly keys: readonly string[];
  readonly mcpKeys: readonly string[];
  readonly constants: readonly Constant[];
  readonly changing: readonly Changing[];
  readonly end: string;
}

/**
 * Writes records as lines, and encodes only once what they have in common: from call to call, hardly more differs than ids, the
 * time and the arguments. The text of a value is used only while the record has that same value, so that a line is always what
 * {@link toJsonLine} makes of the whole record.
 */
export class LineForms {
  readonly #forms = new Map<string, Form[]>();

  /** The line of a record; nothing where the record must be encoded as a whole. */
  lineOf(record: AuditRecord): string | undefined {
    const kind = record.mcp?.tool_name ?? record.mcp?.method;
    if (kind === undefined || record.error !== undefined) return undefined;
    const forms = this.#forms.get(kind);
    for (const form of forms ?? []) {
      if (!hasKeys(record, form.keys) || !hasKeys(record.mcp ?? {}, form.mcpKeys)) continue;
      const other = firstOther(record, form);
      if (other === undefined) return written(record, form);
      this.#learn(kind, record, form, other);
      return undefined;
    }
    this.#learn(kind, record);
    return undefined;
  }

  /** Makes a form of a record. It replaces `former`, which took the field `other` for the same in all records. */
  #learn(kind: string, record: AuditRecord, former?: Form, other?: Constant): void {
    const varying = new Set(former === undefined ? CHANGING : former.changing.map(nameOf));
    if (other !== undefined) varying.add(nameOf(other));
    const form = formOf(record, varying);
    if (form === undefined) return;
    if (this.#forms.size >= MOST_KINDS) this.#forms.clear();
    const others = (this.#forms.get(kind) ?? []).filter((each) => each !== former);
    this.#forms.set(kind, [form, ...others].slice(0, MOST_FORMS));
  }
}

function nameOf({ ofMcp, key }: { readonly ofMcp: boolean; readonly key: string }): string {
  return ofMcp ? `mcp.${key}` : key;
}

/** Whether an object has these fields and no others, in this order. To make a list of its fields would cost more. */
function hasKeys(value: object, keys: readonly string[]): boolean {
  let index = 0;
  for (const key in value) if (key !== keys[index++]) return false;
  return index === keys.length && !('toJSON' in value);
}

/** The first field whose value is not the one in the form's text. */
function firstOther(record: AuditRecord, { constants }: Form): Constant | undefined {
  const fields = record as unknown as Fields;
  const mcp = record.mcp as unknown as Fields;
  for (const constant of constants)
    if ((constant.ofMcp ? mcp : fields)[constant.key] !== constant.value) return constant;
  return undefined;
}

function written(record: AuditRecord, { changing, end }: Form): string | undefined {
  const fields = record as unknown as Fields;
  const mcp = record.mcp as unknown as Fields;
  let line = '';
  for (let index = 0; index < changing.length; index++) {
    const { ofMcp, key, before, isText } = changing[index] as Changing;
    const value = (ofMcp ? mcp : fields)[key];
    if ((typeof value === 'string') !== isText) return undefined;
    line += before;
    if (typeof value === 'string') line += PLAIN.test(value) ? value : toJsonLine(value).slice(1, -1);
    else {
      const text = textOf(value);
      if (text === undefined) return undefined;
      line += text;
    }
  }
  return line + end;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  return value === undefined || typeof value === 'function' || typeof value === 'symbol'
    ? undefined
    : toJsonLine(value);
}

/** Makes a form; nothing for a record that JSON would not write field by field, in their present order. */
function formOf(record: AuditRecord, varying: ReadonlySet<string>): Form | undefined {
  if (inFixedOrder(record) !== record || !isPlain(record) || !isPlain(record.mcp)) return undefined;
  const constants: Constant[] = [];
  const changing: Changing[] = [];
  let text = '{';
  let isFirst = true;
  const add = (key: string, value: unknown, ofMcp: boolean): boolean => {
    const constant = { ofMcp, key, value };
    text += `${isFirst ? '' : ','}${toJsonLine(key)}:`;
    isFirst = false;
    if (varying.has(nameOf(constant)) || !isFixed(value)) {
      const isText = typeof value === 'string';
      changing.push({ ofMcp, key, before: isText ? `${text}"` : text, isText });
      text = isText ? '"' : '';
      return true;
    }
    const encoded = textOf(value);
    constants.push(constant);
    text += encoded ?? '';
    return encoded !== undefined;
  };
  for (const [key, value] of Object.entries(record)) {
    if (key !== 'mcp') {
      if (!add(key, value, false)) return undefined;
      continue;
    }
    text += `${isFirst ? '' : ','}"mcp":{`;
    isFirst = true;
    for (const [name, detail] of Object.entries(value as Fields))
      if (!add(name, detail, true)) return undefined;
    text += '}';
    isFirst = false;
  }
  const mcpKeys = Object.keys(record.mcp ?? {});
  return { keys: Object.keys(record), mcpKeys, constants, changing, end: `${text}}` };
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
