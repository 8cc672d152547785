/** A tool whose definition is another than the log last saw from that server. */
export interface ToolChange {
  /** The name of the tool. */
  readonly tool: string;
  /** Self-reported by the server. */
  readonly serverName?: string | undefined;
  /** The URL or command that was dialled, without secrets. */
  readonly serverAddress?: string | undefined;
  /** SHA-256 (hex) of the definition that was seen before, in canonical JSON. */
  readonly oldFingerprint: string;
  /** The same of the definition that was listed now. */
  readonly newFingerprint: string;
  /** The names of the definition's fields that differ, e.g. `['description']`. */
  readonly fields: readonly string[];
}

/** What a {@link ToolChangedHook} may answer: only `false` and `'refuse'` refuse. */
export type ToolChangeAnswer = boolean | 'refuse' | undefined | void;

/**
 * Told of a changed tool before the listing that showed it is given to the caller. While it refuses, every call of that tool
 * is refused before the wire with `RefusedError`; a call made while a promised answer is outstanding waits for it. Asked
 * again whenever the refused definition is listed again, so that a later answer can lift the refusal. A hook that throws or
 * rejects refuses: who installed one wants no unexamined tool to run.
 */
export type ToolChangedHook = (change: ToolChange) => ToolChangeAnswer | Promise<ToolChangeAnswer>;
