import { optionalBoolean, reject, requireKnownOptions } from '../validate.js';
import { DEFAULT_KEY_PATTERNS, DETECTORS, OFF_BY_DEFAULT, type DetectorName } from './defaults.js';
import { BUILT_IN, type Detector } from './detectors.js';
import { compileKeys, type KeyJudge } from './keys.js';
import { resolveLimits, type Limits } from './limits.js';
import type { CustomRedaction, RedactionOptions, ToolRedactionOptions, ValueOptions } from './options.js';
import { compilePaths, type PathState } from './paths.js';
import { compilePattern, type LinearPattern } from './patterns.js';
import { compileReplacer, type Replacer } from './replacer.js';
import { looksClean } from './suspicion.js';

/** The options, compiled: what one tool's values are redacted by. */
export interface Policy {
  /** What is known of a key by its name. */
  readonly keys: KeyJudge;
  /** The state before a record's first step; undefined without paths. */
  readonly paths: PathState | undefined;
  readonly on: ReadonlySet<DetectorName>;
  /** The detectors that are on, in order. */
  readonly detectors: readonly Detector[];
  readonly patterns: readonly LinearPattern[];
  /** Whether a text that looks clean to the built-in detectors is clean. */
  readonly quick: boolean;
  readonly replacer: Replacer;
  readonly custom: CustomRedaction | undefined;
  /** What each field of a record that is a text said when it last had nothing to hide. */
  readonly lastClean: Map<string, string>;
  readonly limits: Limits;
  readonly uriPaths: boolean;
}

const TOOL_OPTIONS = [
  'redactPatterns',
  'redactPaths',
  'redactValues',
  'defaults',
  'replacement',
  'custom',
] as const;
const OPTIONS = [...TOOL_OPTIONS, 'hmacKey', 'tools', 'uriPath', 'limits', 'levels'] as const;

/** Longer keys are not worth a look at each character first. */
const PLAIN_KEY_UNITS = 64;

/** Gives the policy for a tool, or the one for everything else. */
export type Policies = (toolName: string | undefined) => Policy;

/**
 * Compiles the options, once.
 *
 * @throws ConfigError on whatever could not work: unknown options, unsafe patterns, paths that lead nowhere, a missing key.
 */
export function compilePolicies(options: RedactionOptions): Policies {
  requireKnownOptions('redaction', options, OPTIONS);
  const limits = resolveLimits(options.limits);
  const uriPaths = optionalBoolean('uriPath', options.uriPath, false);
  const compile = (prefix: string, own: ToolRedactionOptions): Policy => ({
    ...compileRules(prefix, own, options.hmacKey),
    limits,
    uriPaths,
  });
  const base = compile('', options);
  const byTool = new Map<string, Policy>();
  if (options.tools !== undefined) {
    if (typeof options.tools !== 'object' || options.tools === null)
      reject('tools', options.tools, 'an object');
    for (const [tool, overrides] of Object.entries(options.tools)) {
      requireKnownOptions(`tools.${tool}`, overrides, TOOL_OPTIONS);
      byTool.set(tool, compile(`tools.${tool}.`, merge(options, overrides)));
    }
  }
  return (toolName) => (toolName === undefined ? base : (byTool.get(toolName) ?? base));
}

type Rules = Omit<Policy, 'limits' | 'uriPaths'>;

function compileRules(prefix: string, options: ToolRedactionOptions, hmacKey: unknown): Rules {
  const defaults = optionalBoolean(`${prefix}defaults`, options.defaults, true);
  const named = options.redactPatterns ?? [];
  if (!Array.isArray(named)) reject(`${prefix}redactPatterns`, named, 'an array of strings and RegExps');
  if (options.custom !== undefined && typeof options.custom !== 'function') {
    reject(`${prefix}custom`, options.custom, 'a function');
  }
  const on = chooseDetectors(`${prefix}redactValues`, options.redactValues ?? {}, defaults);
  const patterns = compileValuePatterns(
    `${prefix}redactValues.patterns`,
    options.redactValues?.patterns ?? [],
  );
  const quick = patterns.length === 0 && !on.has('email');
  const isPlain = (key: string): boolean =>
    quick && key.length <= PLAIN_KEY_UNITS && key !== '__proto__' && looksClean(key);
  return {
    keys: compileKeys(`${prefix}redactPatterns`, named, defaults ? DEFAULT_KEY_PATTERNS : [], isPlain),
    paths: compilePaths(`${prefix}redactPaths`, options.redactPaths ?? []),
    on,
    detectors: Object.entries(BUILT_IN).flatMap(([name, detector]) =>
      on.has(name as DetectorName) ? [detector] : [],
    ),
    patterns,
    quick,
    replacer: compileReplacer(`${prefix}replacement`, options.replacement, hmacKey),
    custom: options.custom,
    lastClean: new Map(),
  };
}

function chooseDetectors(option: string, values: ValueOptions, defaults: boolean): ReadonlySet<DetectorName> {
  const names = Object.keys(DETECTORS) as DetectorName[];
  requireKnownOptions(option, values, [...names, 'patterns']);
  return new Set(
    names.filter((name) =>
      optionalBoolean(`${option}.${name}`, values[name], defaults && !OFF_BY_DEFAULT.includes(name)),
    ),
  );
}

function compileValuePatterns(option: string, patterns: unknown): LinearPattern[] {
  if (!Array.isArray(patterns)) reject(option, patterns, 'an array of RegExps');
  return patterns.map((pattern: unknown, index) => compilePattern(`${option}[${index}]`, pattern));
}

/** Lists are added up; whatever else a tool says replaces what is said for all. */
function merge(base: ToolRedactionOptions, own: ToolRedactionOptions): ToolRedactionOptions {
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
