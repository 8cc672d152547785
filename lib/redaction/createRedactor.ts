import type { DraftRecord, McpDetail } from '../schema/record.js';
import { keepChain, sweepChain } from './actorChain.js';
import {
  resolveLevels,
  levelFor,
  type AuditLevel,
  type Levels,
  type RedactionOptions,
  type RedactionContext,
} from './policy/options.js';
import {
  addPlaces,
  stepInto,
  isEnd,
  LOOKED_AT,
  LOOKED_AT_MCP,
  type PathState,
  type Field,
} from './policy/fields.js';
import { compilePolicies, type Policy, type Policies } from './policy/policy.js';
import { prune, sizeOf, fitRecord } from './fit.js';
import { compileSessionIds, FAILED, REDACTED } from './text/replacement.js';
import type { KnownSecrets, Pass } from './walk/pass.js';
import { keepString, keepUri, capLabel, LABEL_BYTES } from './walk/strings.js';
import { newPass, walk } from './walk/walk.js';
import { GONE, hideValue } from './walk/values.js';

/** Redacts by one policy. Make one at start-up: compiling a policy takes milliseconds. */
export interface Redactor {
  /**
   * A new record in which every free value (arguments, results, URIs, error texts, `data`, what the server says about itself) is
   * redacted, bounded and safe to encode. Never throws and never changes its argument: a value that cannot be redacted is
   * replaced by `[REDACTION FAILED]`.
   */
  record(draft: DraftRecord, known?: KnownSecrets): DraftRecord;
  /** A free text (error message, span status, log line) with the secrets in it replaced. */
  text(value: string, known?: KnownSecrets): string;
  /** A URI without userinfo, and with secrets in path, query and fragment replaced. */
  uri(value: string): string;
  /** Any value, walked and bounded, as for `mcp.tool_arguments` of the named tool. */
  value(value: unknown, toolName?: string, known?: KnownSecrets): unknown;
  /** The form in which an MCP session id is shown: its hash, keyed if there is an `hmacKey`, unless the policy keeps ids. */
  sessionId(id: string): string;
}

/**
 * Makes a redactor from a policy. By default it uses the key names and detectors that `docs/redaction.md` lists, masks what they
 * find, and leaves out outputs.
 *
 * @throws ConfigError if the policy cannot work: unknown options, unsafe patterns, paths to no field, a missing or short `hmacKey`,
 * levels that would silence security-relevant events.
 *
 * @example
 * ```ts
 * const redactor = createRedactor({ redactPatterns: ['iban'] });
 * redactor.value({ user: 'ada', password: 'x' }); // { user: 'ada', password: '[REDACTED]' }
 * ```
 */
export function createRedactor(options: RedactionOptions = {}): Redactor {
  const policies = compilePolicies(options);
  const levels = resolveLevels(options.levels);
  const sessionId = compileSessionIds(options.sessionId, options.hmacKey);
  const base = policies(undefined);
  const hidden = (known: KnownSecrets | undefined): KnownSecrets | undefined =>
    known?.sessionId === undefined || sessionId(known.sessionId) !== known.sessionId
      ? known
      : { ...known, sessionId: undefined };
  const redactor: Redactor = {
    sessionId,
    record(draft, known) {
      try {
        return redactRecord(draft, policies, levels, hidden(known));
      } catch {
        return bareRecord(draft);
      }
    },
    text: (text, known) => redactOwn(text, keepString, base, hidden(known)),
    uri: (uri) => redactOwn(uri, keepUri, base),
    value(value, toolName, known) {
      try {
        return redactValue(value, policies(toolName), toolName, hidden(known));
      } catch {
        return FAILED;
      }
    },
  };
  policyOf.set(redactor, base);
  return redactor;
}

/** The policy of each redactor where no tool is named. */
const policyOf = new WeakMap<Redactor, Policy>();

/** Builds the tables that texts are searched with, so that the first text does not have to wait for them. */
export function prepareRedactor(redactor: Redactor): void {
  policyOf.get(redactor)?.prepare();
}

/** How long a redactor lets a record become, in bytes. */
export function totalBytesOf(redactor: Redactor): number {
  return policyOf.get(redactor)?.limits.totalBytes ?? 0;
}

/** Redacts a text of the library itself, such as an error or a log line. It may quote a URL, so all query values are hidden. */
function redactOwn(text: string, keep: typeof keepUri, policy: Policy, known?: KnownSecrets): string {
  try {
    const pass = newPass(policy, {});
    know(pass, known);
    pass.wholeUris = true;
    return keep(text, undefined, pass);
  } catch {
    return FAILED;
  }
}

function redactValue(
  value: unknown,
  policy: Policy,
  toolName: string | undefined,
  known: KnownSecrets | undefined,
): unknown {
  const pass = newPass(policy, toolName === undefined ? {} : { toolName });
  know(pass, known);
  const paths = addPlaces(policy.paths, known?.places);
  const below = paths === undefined ? undefined : stepInto(paths, 'mcp');
  pass.path.push('mcp', 'tool_arguments');
  const walked = walk(value, pass, below === undefined ? undefined : stepInto(below, 'tool_arguments'));
  const kept = pass.secrets.hideWithin(walked);
  const { totalBytes } = policy.limits;
  const fits = (kept === walked && pass.units * 6 + pass.slack <= totalBytes) || sizeOf(kept) <= totalBytes;
  return fits ? kept : prune(kept, totalBytes).value;
}

function know({ secrets }: Pass, known: KnownSecrets | undefined): void {
  secrets.addKnown(known?.texts);
  if (known?.sessionId !== undefined) secrets.addKnown([known.sessionId]);
}

/** Bytes of a record's line beside free values: punctuation, field names, ids, enums, the resource, and what the pipeline adds. */
const SKELETON_BYTES = 5_000;

/** Fields that every record must have. */
const REQUIRED = new Set([
  'actor_id',
  'component',
  'environment',
  'resource',
  'message',
  'session_id',
  'mcp.method',
]);

type Fields = Record<string, unknown>;

/** A record in which every free value is redacted and bounded; see {@link Redactor.record}. */
function redactRecord(
  draft: DraftRecord,
  policies: Policies,
  levels: Levels,
  known: KnownSecrets | undefined,
): DraftRecord {
  const level = levelFor(levels, draft);
  const pass = newPass(policies(draft.mcp?.tool_name), contextOf(draft));
  const { limits } = pass.policy;
  const paths = addPlaces(pass.policy.paths, known?.places);
  pass.secrets.addKnown(known?.texts);
  const record: Fields = { ...draft };
  if (!showsRequest(level)) delete record['data'];
  let bytes = SKELETON_BYTES;
  if (draft.mcp !== undefined) {
    const mcp = atLevel(draft.mcp, level);
    pass.path.push('mcp');
    bytes += keepFields(mcp, LOOKED_AT_MCP, pass, paths === undefined ? undefined : stepInto(paths, 'mcp'));
    pass.path.length = 0;
    record['mcp'] = mcp;
  }
  bytes += keepFields(record, LOOKED_AT, pass, paths);
  // Added last, because no text counts as clean while a secret is known, and a record rarely holds this id.
  if (known?.sessionId !== undefined) pass.secrets.addKnown([known.sessionId]);
  const swept = sweep(record, pass);
  if (pass.cuts.length > 0) record['truncated'] = [...(draft.truncated ?? []), ...pass.cuts];
  return asRecord(
    swept || bytes > limits.totalBytes || 'truncated' in record
      ? fitRecord(record, limits.totalBytes)
      : record,
  );
}

/** Hides secrets in the fields that were redacted before the secrets were found. Returns whether any occurred. */
function sweep(record: Fields, pass: Pass): boolean {
  if (pass.secrets.size === 0) return false;
  const { changes } = pass;
  const mcp = record['mcp'] as Fields | undefined;
  for (const [fields, looked] of [[record, LOOKED_AT] as const, [mcp, LOOKED_AT_MCP] as const])
    for (const { name, kind } of looked)
      if (kind !== 'label' && fields?.[name] !== undefined)
        fields[name] =
          kind === 'chain' ? sweepChain(fields[name], pass) : pass.secrets.hideWithin(fields[name]);
  return pass.changes !== changes;
}

/** A record that could not be redacted at all: its fixed fields, and a marker for every other field. */
export function bareRecord(draft: DraftRecord): DraftRecord {
  const record: Fields = { ...draft };
  for (const { name } of LOOKED_AT) if (record[name] !== undefined) record[name] = FAILED;
  if (draft.mcp !== undefined) {
    const mcp: Fields = { ...draft.mcp };
    for (const { name } of LOOKED_AT_MCP) if (mcp[name] !== undefined) mcp[name] = FAILED;
    record['mcp'] = mcp;
  }
  return asRecord(record);
}

/** The fields are those of a draft: each keeps its type, or is a text that became a marker. */
function asRecord(fields: Fields): DraftRecord {
  return fields as unknown as DraftRecord;
}

function contextOf(draft: DraftRecord): RedactionContext {
  const { mcp, event_type: eventType } = draft;
  if (mcp === undefined) return { eventType };
  return mcp.tool_name === undefined
    ? { method: mcp.method, eventType }
    : { toolName: mcp.tool_name, method: mcp.method, eventType };
}

function showsRequest(level: AuditLevel): boolean {
  return level === 'Request' || level === 'RequestResponse';
}

function atLevel(detail: McpDetail, level: AuditLevel): Fields {
  const mcp: Fields = { ...detail };
  if (level !== 'RequestResponse') delete mcp['tool_result'];
  if (!showsRequest(level)) {
    delete mcp['tool_arguments'];
    delete mcp['prompt_arguments'];
  }
  return mcp;
}

/** Redacts the fields of a record in place. Returns the most bytes that they take on a line. */
function keepFields(
  record: Fields,
  fields: readonly Field[],
  pass: Pass,
  state: PathState | undefined,
): number {
  let bytes = 0;
  // By index: where V8 does not compile this away, an iterator costs an object for each field, an eighth of what a record allocates.
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as Field;
    const { name } = field;
    const value = record[name];
    if (value === undefined) continue;
    if (isKnownClean(field, value, pass)) {
      bytes += (value.length + 2) * 6;
      continue;
    }
    pass.startField();
    const kept = keepField(value, field, pass, state);
    if (kept === GONE) delete record[name];
    else record[name] = kept;
    bytes += pass.units * 6 + pass.slack;
  }
  return bytes;
}

/** Whether this field had the same text before, with nothing to hide. Most fields rarely change. */
function isKnownClean(field: Field, value: unknown, { policy, secrets }: Pass): value is string {
  return typeof value === 'string' && secrets.size === 0 && policy.lastClean.get(field) === value;
}

/**
 * Redacts one field. If that fails, the value is lost, but not the record.
 *
 * @param outer the paths to fields beside this one.
 */
function keepField(value: unknown, field: Field, pass: Pass, outer: PathState | undefined): unknown {
  const { name, kind } = field;
  const state = outer === undefined ? undefined : stepInto(outer, name);
  try {
    if (state !== undefined && isEnd(state)) return hideField(value, name, pass);
    if (kind !== 'free' && typeof value === 'string') return keepText(value, field, pass);
    pass.wholeUris = name === 'error';
    pass.path.push(name);
    // A path into the chain is followed by the walk, which searches names as well.
    if (kind === 'chain' && state === undefined && Array.isArray(value)) return keepChain(value, pass, outer);
    return walk(value, pass, state);
  } catch {
    return FAILED;
  } finally {
    pass.endField();
    const depth = pass.path[0] === 'mcp' ? 1 : 0;
    if (pass.path.length > depth) pass.path.length = depth;
  }
}

/** Hides a field. A required field is masked even if the policy drops values. */
function hideField(value: unknown, name: string, pass: Pass): unknown {
  const hidden = hideValue(value, pass, false);
  return hidden === GONE && REQUIRED.has([...pass.path, name].join('.')) ? REDACTED : hidden;
}

function keepText(value: string, field: Field, pass: Pass): string {
  const { name, kind } = field;
  pass.wholeUris = true;
  const kept =
    kind === 'label'
      ? capLabel(value, name, pass)
      : kind === 'uri'
        ? keepUri(value, name, pass)
        : keepString(value, name, pass, LABEL_BYTES);
  if (kept === value && pass.secrets.size === 0) pass.policy.lastClean.set(field, value);
  return kept;
}
