import { createHash } from 'node:crypto';
import { ChunkSearch } from './sessions.js';

const CUT = 'data.definition';

/** Holds the tool definitions of a log against their content addresses. */
export class DefinitionCheck {
  readonly #resource = new ChunkSearch('"resource":"audit/tool-definition"', '/tool-');

  /** What is wrong with the next line of the log, if it keeps a definition that is not the one its address names. */
  see(data: Buffer, start: number, end: number): string | undefined {
    if (this.#resource.behind(data, start, end) === -1) return undefined;
    const { resource, data: detail, truncated } = parsed(data.toString('utf8', start, end));
    if (resource !== 'audit/tool-definition' || typeof detail !== 'object' || detail === null)
      return undefined;
    const { definition, definition_sha256: address } = detail;
    // Of a definition that was cut, the address is that of the whole.
    const cut = Array.isArray(truncated) && truncated.some((entry: Cut | null) => entry?.path === CUT);
    if (typeof definition !== 'string' || cut || sha256(definition) === address) return undefined;
    return 'keeps a tool definition that does not match its address (data.definition_sha256)';
  }
}

interface Cut {
  readonly path?: unknown;
}

interface Parsed {
  readonly resource?: unknown;
  readonly data?: { readonly definition?: unknown; readonly definition_sha256?: unknown } | null;
  readonly truncated?: unknown;
}

function parsed(line: string): Parsed {
  try {
    return JSON.parse(line) as Parsed;
  } catch {
    // That it is no record is said elsewhere.
    return {};
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
