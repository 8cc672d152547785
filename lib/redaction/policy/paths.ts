import { ConfigError } from '../../errors.js';
import { reject, requireText } from '../../internal/options.js';
import { PATH_MCP_FIELDS, PATH_ROOTS } from './fields.js';

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
