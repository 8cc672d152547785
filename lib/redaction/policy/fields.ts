import type { DraftRecord, McpDetail } from '../../schema/record.js';
import { ConfigError } from '../../errors.js';
import { reject, requireText } from '../../internal/options.js';

/**
 * How a field of a record is treated.
 *
 * - `fixed`: made by this library, and kept.
 * - `label`: chosen by the user or given by the protocol. It is made well-formed and cut, but not searched.
 * - `text`: searched for secrets and cut.
 * - `uri`: as `text`; if it is a URI, its parts are redacted.
 * - `free`: walked.
 * - `chain`: the links of a chain of actors, whose names are treated as `actor_id` is.
 */
type FieldKind = 'fixed' | 'label' | 'text' | 'uri' | 'free' | 'chain';

/** Every field of a record. A field that is added to the schema has to be added here, or this does not compile. */
const RECORD_FIELDS: Readonly<Record<keyof DraftRecord, FieldKind>> = {
  record_id: 'fixed',
  seq: 'fixed',
  time: 'fixed',
  duration_ms: 'fixed',
  event_type: 'fixed',
  outcome: 'fixed',
  severity: 'fixed',
  sensitivity: 'fixed',
  actor_id: 'label',
  actor_type: 'fixed',
  on_behalf_of: 'label',
  authority: 'free',
  actor_chain: 'chain',
  component: 'label',
  environment: 'label',
  resource: 'uri',
  message: 'text',
  correlation_id: 'fixed',
  trace_id: 'fixed',
  span_id: 'fixed',
  parent_span_id: 'fixed',
  session_id: 'label',
  tenant_id: 'label',
  client_id: 'text',
  client_version: 'text',
  server_id: 'text',
  server_version: 'text',
  policy_tags: 'free',
  ocsf_class_uid: 'fixed',
  ocsf_activity_id: 'fixed',
  otel_operation_name: 'fixed',
  mcp: 'fixed',
  error: 'free',
  data: 'free',
  stage: 'fixed',
  operation_id: 'fixed',
  commitments: 'fixed',
  truncated: 'fixed',
  personal: 'fixed',
  metadata: 'fixed',
  otel_resource: 'fixed',
  log_id: 'fixed',
  log_epoch: 'fixed',
};

/** Arguments come first: a secret that one of their keys reveals is then known when the other fields are searched. */
const MCP_FIELDS: Readonly<Record<keyof McpDetail, FieldKind>> = {
  tool_arguments: 'free',
  prompt_arguments: 'free',
  meta: 'free',
  tool_result: 'free',
  method: 'text',
  protocol_version: 'text',
  request_id: 'label',
  connection_id: 'fixed',
  side: 'fixed',
  requested_by: 'fixed',
  tool_name: 'text',
  resource_uri: 'uri',
  prompt_name: 'text',
  session_id: 'label',
  server_address: 'uri',
  transport: 'text',
  client_capabilities: 'free',
  server_capabilities: 'free',
  extensions: 'free',
  server_identity: 'fixed',
  discovered_server_id: 'text',
  discovered_server_version: 'text',
  served_from: 'fixed',
  answer: 'fixed',
  answer_refused: 'fixed',
  handler: 'fixed',
  caller_saw: 'fixed',
  peer_address: 'fixed',
  peer_port: 'fixed',
  client_address: 'fixed',
  http_status: 'fixed',
  http_method: 'label',
  http_path: 'uri',
  http_headers: 'free',
  oauth: 'free',
  task_id: 'label',
  task_status: 'text',
  requests: 'fixed',
  legs: 'free',
  tool_fingerprint: 'fixed',
  tool_annotations: 'free',
  approval_id: 'label',
  decision: 'text',
  roots: 'free',
  ended_by: 'fixed',
  apm_system: 'fixed',
  apm_trace_id: 'fixed',
  apm_span_id: 'fixed',
};

/** A field that is redacted. */
export interface Field {
  readonly name: string;
  readonly kind: Exclude<FieldKind, 'fixed'>;
}

function listed(fields: Readonly<Record<string, FieldKind>>): readonly Field[] {
  return Object.entries(fields).flatMap(([name, kind]) => (kind === 'fixed' ? [] : [{ name, kind }]));
}

/** The fields of a record that are redacted, in order, without those of `mcp`. */
export const LOOKED_AT: readonly Field[] = listed(RECORD_FIELDS);
/** The fields of `mcp` that are redacted, in order. */
export const LOOKED_AT_MCP: readonly Field[] = listed(MCP_FIELDS);

/** The names that a path may begin with, and those that may follow `mcp`. */
const PATH_ROOTS: readonly string[] = [...LOOKED_AT.map(({ name }) => name), 'mcp'];
const PATH_MCP_FIELDS: readonly string[] = LOOKED_AT_MCP.map(({ name }) => name);

/** A node of the trie of compiled paths. The walk follows the trie key by key. */
interface PathNode {
  readonly steps: Map<string, PathNode>;
  any?: PathNode;
  deep?: PathNode;
  /** Whether this node is `**`, which stays active at every depth. */
  readonly globstar: boolean;
  /** Whether a path ends here. */
  end: boolean;
}

/** The nodes that paths have reached after some steps. */
export type PathState = readonly PathNode[];

/** Compiles paths to the state before the first step, or to undefined if there are none, which makes the walk cheaper. */
export function compilePaths(option: string, paths: readonly string[]): PathState | undefined {
  if (!Array.isArray(paths)) reject(option, paths, 'an array of strings');
  const root = node();
  paths.forEach((path: unknown, index) => {
    const at = `${option}[${index}]`;
    const steps = parsePath(
      at,
      requireText(at, path, 'a non-empty path such as mcp.tool_arguments.user.ssn'),
    );
    requireField(at, steps);
    insert(root, steps);
  });
  return paths.length === 0 ? undefined : withDeep([root]);
}

/** A state with the secret places of one record added, each a list of keys. */
export function addPlaces(
  state: PathState | undefined,
  places: readonly (readonly string[])[] | undefined,
): PathState | undefined {
  if (places === undefined || places.length === 0) return state;
  const root = node();
  for (const keys of places)
    insert(
      root,
      keys.map((key) => ({ kind: 'key', key })),
    );
  return [...(state ?? []), root];
}

/** The state after one more step, or undefined if no path can match below. */
export function stepInto(state: PathState, key: string): PathState | undefined {
  const next: PathNode[] = [];
  for (const current of state) {
    if (current.globstar) next.push(current);
    const exact = current.steps.get(key);
    if (exact !== undefined) next.push(exact);
    if (current.any !== undefined) next.push(current.any);
  }
  return next.length === 0 ? undefined : withDeep(next);
}

/** Whether a path ends in this state. */
export function isEnd(state: PathState): boolean {
  return state.some((current) => current.end);
}

function node(globstar = false): PathNode {
  return { steps: new Map(), globstar, end: false };
}

/** Adds the `**` nodes behind the given ones, because `**` also matches no step at all. */
function withDeep(nodes: PathNode[]): PathNode[] {
  for (const current of nodes) {
    if (current.deep !== undefined && !nodes.includes(current.deep)) nodes.push(current.deep);
  }
  return nodes;
}

function insert(root: PathNode, steps: readonly Step[]): void {
  let current = root;
  for (const step of steps) {
    if (step.kind === 'deep') current = current.deep ??= node(true);
    else if (step.kind === 'any') current = current.any ??= node();
    else {
      const next = current.steps.get(step.key) ?? node();
      current.steps.set(step.key, next);
      current = next;
    }
  }
  current.end = true;
}

type Step =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'deep' };

/** One step of a path: a bare key, `*`, `**`, `[0]`, `[*]`, `["any.key"]`. */
const STEP = /(?:(\*\*?)|\[(?:(\*)|(\d+)|"((?:[^"\\]|\\.)*)")\]|([^.[\]*"]+))(\.(?!$)|(?=\[)|$)/y;

function parsePath(option: string, path: string): Step[] {
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const found = STEP.exec(path);
    if (found === null)
      throw new ConfigError(option, 'not a path; expected one such as mcp.tool_arguments.rows[*].ssn');
    const [, stars, bracketStar, index, quoted, bare] = found;
    if (stars === '**') steps.push({ kind: 'deep' });
    else if (stars === '*' || bracketStar === '*') steps.push({ kind: 'any' });
    else steps.push({ kind: 'key', key: index ?? quoted?.replace(/\\(.)/gs, '$1') ?? bare ?? '' });
  }
  return steps;
}

/** Rejects a path to an unknown field: a misspelt path would redact nothing without anyone noticing. */
function requireField(option: string, [first, second]: readonly Step[]): void {
  requireName(option, 'begins with', first, PATH_ROOTS);
  if (first?.kind === 'key' && first.key === 'mcp')
    requireName(option, 'goes on with', second, PATH_MCP_FIELDS);
}

function requireName(option: string, how: string, step: Step | undefined, known: readonly string[]): void {
  if (step?.kind !== 'key' || known.includes(step.key)) return;
  throw new ConfigError(
    option,
    `${how} no field that can be redacted; known are ${known.join(', ')}, * and **`,
  );
}
