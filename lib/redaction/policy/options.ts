import type { EventType } from '../../schema/record.js';
import type { DetectorName } from '../detectors/detector.js';
import type { LevelOptions } from './levels.js';
import type { PackOptions } from './packs.js';

/**
 * What a redacted value becomes.
 *
 * - `mask`: `[REDACTED]`.
 * - `hmac`: `hmac-sha256:` and 64 hex digits, HMAC-SHA-256 (RFC 2104) of the value's text under `hmacKey`: equal values give
 *   equal tokens, so that records can be joined; without the key a token says nothing.
 * - `drop`: the key goes with its value. Where a hole would move its neighbours (array elements, a part of a text),
 *   `[DROPPED]` stands.
 */
export type Replacement = 'mask' | 'hmac' | 'drop';

/** Which value detectors are on, and detectors of your own. */
export type ValueOptions = {
  /** Built-in detectors by name; one that is not named keeps its default. All are on but `email`. */
  readonly [name in DetectorName]?: boolean;
} & {
  /** Regular expressions whose matches are redacted wherever they stand in a string. */
  readonly patterns?: readonly RegExp[];
};

/** Bounds of what one record may hold and of what redacting it may cost. */
export interface LimitOptions {
  /** Levels of nesting kept, counted from the value itself. @defaultValue 32, at most 128 */
  readonly depth?: number;
  /** Entries kept of one object, array, map or set. @defaultValue 1,000 */
  readonly breadth?: number;
  /** UTF-8 bytes kept of one string. @defaultValue 8,192 */
  readonly stringBytes?: number;
  /**
   * Bytes of one record as a JSON line, with every control character escaped, and line end and sequence number counted.
   * At most 65,535, at least 8,192, so that the metadata always fit.
   * @defaultValue 65,535
   */
  readonly totalBytes?: number;
  /**
   * UTF-16 code units of text searched for secrets (and hashed) in one record: what a record can block the event loop for.
   * Text beyond it is never kept, only measured, and its `truncated` entry has no `sha256`.
   * @defaultValue 67,108,864 (64 Mi)
   */
  readonly scanUnits?: number;
}

/** What a custom function is told of the record that a value stands in. */
export interface RedactionContext {
  /** The tool that was called. */
  readonly toolName?: string;
  /** The protocol's method, e.g. `tools/call`. */
  readonly method?: string;
  /** The event type of the record. */
  readonly eventType?: EventType;
}

/**
 * A function of your own, called with every string, number, boolean and bigint that no key or path rule has redacted, before
 * the detectors. Return the value to keep it, a scalar to put in its place, `undefined` to have it redacted. A throw, or any
 * other return value, drops the value: `[REDACTION FAILED]` stands in its place and the record is kept.
 */
export type CustomRedaction = (
  value: string | number | boolean | bigint,
  path: string,
  context: RedactionContext,
) => unknown;

/** The part of the policy that can differ by tool. */
export interface ToolRedactionOptions {
  /**
   * Key names whose values are redacted, added to the defaults. A string matches whole words of a key (see
   * `docs/redaction.md` for the rule); a regular expression is matched against the key as it is.
   * @defaultValue none but the default ones
   */
  readonly redactPatterns?: readonly (string | RegExp)[];
  /**
   * Places in a record whose values are redacted: `mcp.tool_arguments.user.ssn`, `data.items.*.code`, `**.iban`. `*` is one
   * step, `**` any number, array indices are steps (`rows.0` or `rows[0]`), `["a.b"]` is a key with dots.
   * @defaultValue none
   */
  readonly redactPaths?: readonly string[];
  /** Which detectors look for secrets inside values, and patterns of your own. @defaultValue all detectors but `email` */
  readonly redactValues?: ValueOptions;
  /** Whether the default key names and detectors are on; without them only what you name is redacted. @defaultValue true */
  readonly defaults?: boolean;
  /** What a redacted value becomes. @defaultValue `mask` */
  readonly replacement?: Replacement;
  /** A function of your own that decides about single values. @defaultValue none */
  readonly custom?: CustomRedaction;
  /** Packs for data that the law protects: health, contact, finance, national numbers. @defaultValue none */
  readonly packs?: PackOptions;
}

/**
 * The redaction policy.
 *
 * @example
 * ```ts
 * createRedactor({
 *   redactPatterns: ['iban', /^x-internal-/i],
 *   redactPaths: ['mcp.tool_arguments.patient.*'],
 *   redactValues: { email: true, patterns: [/\bEMP-\d{6}\b/] },
 *   tools: { search: { redactPaths: ['mcp.tool_arguments.query'] } },
 * });
 * ```
 */
export interface RedactionOptions extends ToolRedactionOptions {
  /** The key of `replacement: 'hmac'`: at least 32 bytes (RFC 2104, section 3); a string counts in UTF-8. @defaultValue none; `hmac` requires it */
  readonly hmacKey?: string | Uint8Array;
  /** Overrides by tool name: lists are added to the ones above, the rest replaces it. @defaultValue none */
  readonly tools?: Readonly<Record<string, ToolRedactionOptions>>;
  /** Whether the path of a resource URI is redacted too. @defaultValue false; userinfo, query values and fragment always are */
  readonly uriPath?: boolean;
  /**
   * What records and spans show of the MCP session id, by which whoever has it speaks for the session: its SHA-256 (`sha256:…`), keyed
   * (`hmac-sha256:…`) where there is an `hmacKey`; or, with `keep`, the id itself. One id has one hash.
   * @defaultValue `hash`
   */
  readonly sessionId?: 'hash' | 'keep';
  /** How large values and records may become. @defaultValue those of {@link LimitOptions} */
  readonly limits?: LimitOptions;
  /** How much is recorded, by tool and by event type. @defaultValue `Request`: arguments, but no outputs */
  readonly levels?: LevelOptions;
}
