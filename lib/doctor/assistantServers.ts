/** A part of a text. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** A change of a text. */
export interface Edit extends Range {
  readonly text: string;
}

/** A member of an object or a table, and where it stands in the text of the file. */
export interface Member {
  readonly key: string;
  readonly keyAt: Range;
  readonly value: unknown;
  readonly valueAt: Range;
  /** The texts in it, where it is an object of nothing but texts. */
  readonly members?: readonly Member[];
}

/** A server that an assistant reaches over HTTP, or whose form is not known. */
export interface OtherServer {
  readonly name: string;
  /** What it has; absent where that is written in a way that is not known. */
  readonly members?: readonly Member[];
}

/** A server that an assistant starts, and where its command stands in the text of the file. */
export interface ConfiguredServer {
  readonly name: string;
  /** What it has; absent where that is written in a way that is not known. */
  readonly members?: readonly Member[];
  /** Its command and all arguments. */
  readonly words: readonly string[];
  /** The command; absent where it is the first of the list. */
  readonly program?: Range;
  /** The arguments; absent where there are none. */
  readonly list?: { readonly inside: number; readonly elements: readonly Range[] };
  /** Whether its command is a relay of ours. */
  readonly isRelayed: boolean;
}

/** A server with whether a relay of ours starts it. */
export function described(server: Omit<ConfiguredServer, 'isRelayed'>): ConfiguredServer {
  const own = server.words.findIndex((word) => /(?:^|[\\/])otel-mcp-log(?:@[\w.^~-]+)?$/.test(word));
  return { ...server, isRelayed: own >= 0 && server.words[own + 1] === 'relay' };
}
