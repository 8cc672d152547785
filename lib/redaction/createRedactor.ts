import type { DraftRecord } from '../schema/record.js';
import { resolveLevels } from './policy/levels.js';
import type { RedactionOptions } from './policy/options.js';
import { addPlaces, stepInto } from './policy/paths.js';
import { compilePolicies, type Policy } from './policy/policy.js';
import { prune, sizeOf } from './record/fit.js';
import { bareRecord, redactRecord } from './record/record.js';
import { compileSessionIds, FAILED } from './text/replacement.js';
import type { KnownSecrets } from './walk/knownSecrets.js';
import { keepString, keepUri } from './walk/strings.js';
import type { Pass } from './walk/pass.js';
import { newPass, walk } from './walk/walk.js';

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
