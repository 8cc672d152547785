/** A place of a definition where two of them differ. */
export interface Difference {
  /** Dotted path within the definition, e.g. `inputSchema.properties.to.description`. */
  readonly path: string;
  /** What was there; absent where nothing was. */
  readonly before?: string;
  /** What is there now; absent where nothing is. */
  readonly after?: string;
}

/** A change of a tool's definition, as far as the logs show it. */
export interface ToolChange {
  readonly time: string;
  readonly tool: string;
  readonly server: string;
  readonly actor: string;
  readonly message: string;
  readonly trace: string;
  readonly record: string;
  readonly before: string;
  readonly after: string;
  /** The names of the fields that differ, as the client found them. */
  readonly fields: readonly string[];
  readonly differences: readonly Difference[];
  /** Why there is no difference to see, or not the whole of it. */
  readonly note?: string;
}
