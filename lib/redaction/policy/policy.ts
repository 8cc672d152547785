import {
  checkOptions,
  optionalBoolean,
  reject,
  requireKnownOptions,
  type Resolved,
} from '../../internal/options.js';
import { Automaton } from '../text/automaton.js';
import { prepareCatalogue } from '../detectors/providerKeys.js';
import { DEFAULT_KEY_PATTERNS } from '../keys/nameLists.js';
import type { Detector, DetectorName, PackDetector } from '../detectors/detector.js';
import { DETECTORS, resolvePacks } from '../detectors/table.js';
import { compilePaths, type Field, type PathState } from './fields.js';
import { Prefilter } from '../text/prefilter.js';
import { compileKeys, nameLiterals, type KeyJudge } from '../keys/keyNames.js';
import {
  type CustomRedaction,
  type Limits,
  type RedactionOptions,
  resolveLimits,
  type ToolRedactionOptions,
  type ValueOptions,
} from './options.js';
import { compilePattern, type LinearPattern } from '../text/patterns.js';
import { compileReplacer, type Replacer } from '../text/replacement.js';

/** The compiled options for the values of one tool. */
export interface Policy {
  /** What is known of a key by its name. */
  readonly keys: KeyJudge;
  /** The state of the paths at the root of a record; undefined without paths. */
  readonly paths: PathState | undefined;
  readonly on: ReadonlySet<DetectorName>;
  /** The detectors that are on, in order. */
  readonly detectors: readonly RunningDetector[];
  readonly patterns: readonly LinearPattern[];
  /** The bits of the detectors that may find something in a text, by their index. */
  readonly look: (text: string) => number;
  /** Short texts that were clean. */
  readonly clean: Set<string>;
  /** Whether a text without a detector's bit is clean. A pattern of the user's could find something in it. */
  readonly quick: boolean;
  /** Builds what is otherwise built for the first text. */
  readonly prepare: () => void;
  /** Finds the literals of the key names in a text. Undefined if a name is a regular expression. */
  readonly words: () => Automaton | undefined;
  readonly wordLengths: readonly number[];
  readonly replacer: Replacer;
  readonly custom: CustomRedaction | undefined;
  /** For each text field of a record, its last text in which there was nothing to hide. `session_id` and `mcp.session_id` are two fields. */
  readonly lastClean: Map<Field, string>;
  readonly limits: Limits;
  readonly uriPaths: boolean;
}

/** A built-in detector, or one of a pack. */
type RunningDetector = Detector | PackDetector;

/** A longer key is searched without asking first whether it is clean. */
const PLAIN_KEY_UNITS = 64;
/** The most prefilters and automata that are kept for further policies. */
const MAX_SHARED = 16;

/** The policy of a tool, or the general one. */
export type Policies = (toolName: string | undefined) => Policy;

/**
 * Compiles the options, once.
 *
 * @throws ConfigError for unknown options, unsafe patterns, paths to no field, and a missing key.
 */
export function compilePolicies(given: RedactionOptions): Policies {
  const options = checkOptions('RedactionOptions', 'redaction', given, '');
  const limits = resolveLimits(options.limits);
  const compile = (prefix: string, own: CheckedRules): Policy => ({
    ...compileRules(prefix, own, options.hmacKey),
    limits,
    uriPaths: options.uriPath,
  });
  const base = compile('', options);
  const byTool = new Map<string, Policy>();
  if (options.tools !== undefined) {
    if (typeof options.tools !== 'object' || options.tools === null)
      reject('tools', options.tools, 'an object');
    for (const [tool, overrides] of Object.entries(options.tools)) {
      checkOptions('ToolRedactionOptions', `tools.${tool}`, overrides);
      byTool.set(tool, compile(`tools.${tool}.`, merge(options, overrides)));
    }
  }
  return (toolName) => (toolName === undefined ? base : (byTool.get(toolName) ?? base));
}

type CheckedRules = Resolved<'ToolRedactionOptions', ToolRedactionOptions>;
type Rules = Omit<Policy, 'limits' | 'uriPaths'>;

function compileRules(prefix: string, options: CheckedRules, hmacKey: unknown): Rules {
  const { defaults } = options;
  const named = options.redactPatterns ?? [];
  if (!Array.isArray(named)) reject(`${prefix}redactPatterns`, named, 'an array of strings and RegExps');
  const packs = resolvePacks(`${prefix}packs`, options.packs);
  const chosen = packs.email ? { email: true, ...options.redactValues } : (options.redactValues ?? {});
  const on = chooseDetectors(`${prefix}redactValues`, chosen, defaults);
  const patterns = compileValuePatterns(
    `${prefix}redactValues.patterns`,
    options.redactValues?.patterns ?? [],
  );
  const quick = patterns.length === 0;
  const detectors = [...DETECTORS.filter(({ name }) => on.has(name)), ...packs.detectors];
  const names: readonly unknown[] = [...named, ...packs.keys];
  const words = nameWords(names, defaults);
  const look = prefilterOf(detectors, words);
  const wordsAutomaton = lazy(() => (words === undefined ? undefined : automatonOf(words)));
  const isPlain = (key: string): boolean =>
    quick && key.length <= PLAIN_KEY_UNITS && key !== '__proto__' && look(key) === 0;
  return {
    keys: compileKeys(`${prefix}redactPatterns`, names, defaults ? DEFAULT_KEY_PATTERNS : [], isPlain),
    paths: compilePaths(`${prefix}redactPaths`, options.redactPaths ?? []),
    on,
    detectors,
    patterns,
    quick,
    clean: new Set(),
    look,
    prepare() {
      look('');
      wordsAutomaton();
      if (on.has('providerKey')) prepareCatalogue();
    },
    words: wordsAutomaton,
    wordLengths: (words ?? []).map(({ length }) => length),
    replacer: compileReplacer(options.replacement, hmacKey),
    custom: options.custom,
    lastClean: new Map(),
  };
}

/** The literals of the names in a text, or undefined if a name is a regular expression. */
function nameWords(named: readonly unknown[], defaults: boolean): string[] | undefined {
  if (named.some((pattern) => pattern instanceof RegExp)) return undefined;
  const names = named.filter((name): name is string => typeof name === 'string');
  return nameLiterals([...names, ...(defaults ? DEFAULT_KEY_PATTERNS : [])], defaults);
}

/** Policies of the same detectors and names share one prefilter. */
const prefilters = new Map<string, Prefilter>();

function prefilterOf(
  detectors: readonly RunningDetector[],
  words: readonly string[] | undefined,
): (text: string) => number {
  // A name that is a regular expression is followed by one of these, or begins a flag.
  const literals = words ?? ['=', ':', '%3', '-', '>', '：', '"', "'"];
  const prefilter = lazy(() => {
    const id = JSON.stringify([detectors.map(({ name }) => name), literals]);
    const known = prefilters.get(id);
    if (known !== undefined) return known;
    const made = new Prefilter(detectors.map(({ trigger }) => trigger(literals)));
    if (prefilters.size < MAX_SHARED) prefilters.set(id, made);
    return made;
  });
  let made: Prefilter | undefined;
  return (text) => (made ??= prefilter()).look(text);
}

/** Policies of the same names share one automaton. */
const automata = new Map<string, Automaton>();

function automatonOf(words: readonly string[]): Automaton {
  const id = words.join('\0');
  const known = automata.get(id);
  if (known !== undefined) return known;
  const made = new Automaton(words);
  if (automata.size < MAX_SHARED) automata.set(id, made);
  return made;
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function chooseDetectors(option: string, values: ValueOptions, defaults: boolean): ReadonlySet<DetectorName> {
  requireKnownOptions(option, values, [...DETECTORS.map(({ name }) => name), 'patterns']);
  const chosen = DETECTORS.filter(({ name, on }) =>
    optionalBoolean(`${option}.${name}`, values[name], defaults && on),
  );
  return new Set(chosen.map(({ name }) => name));
}

function compileValuePatterns(option: string, patterns: unknown): LinearPattern[] {
  if (!Array.isArray(patterns)) reject(option, patterns, 'an array of RegExps');
  return patterns.map((pattern: unknown, index) => compilePattern(`${option}[${index}]`, pattern));
}

/** The options of a tool: its lists are appended to the general ones, its other options replace them. */
function merge(base: CheckedRules, own: ToolRedactionOptions): CheckedRules {
  return {
    ...base,
    ...own,
    redactPatterns: [...(base.redactPatterns ?? []), ...(own.redactPatterns ?? [])],
    redactPaths: [...(base.redactPaths ?? []), ...(own.redactPaths ?? [])],
    redactValues: {
      ...base.redactValues,
      ...own.redactValues,
      patterns: [...(base.redactValues?.patterns ?? []), ...(own.redactValues?.patterns ?? [])],
    },
  };
}
