import { leafHash } from '../../integrity/hash.js';
import { type CompactRange } from '../../integrity/merkle.js';
import { decodeRecord, LineFault } from '../input/decode.js';
import { LineScanner } from '../input/scanner.js';
import { compileFilter, type RecordFilter } from '../query/filter.js';
import type { FilterOptions } from '../query/filterOptions.js';
import type { EntryTaker } from './unzip.js';

/** What the reading of a slice tells. */
export interface SliceReading {
  /** Lines, whether or not they are records. */
  lines: number;
  /** Records within the period. */
  within: number;
  /** What each query found, by its control. */
  readonly counts: Map<string, number>;
  /** Only where the log is sealed: the tree up to the sealed end of the slice. */
  readonly tree: CompactRange | undefined;
}

/** Reads a slice while it passes by: hashes its lines into the tree, and asks each query again. */
export function sliceReader(
  name: string,
  {
    tree,
    sealedUpTo,
    period,
    queries,
  }: {
    tree: CompactRange | undefined;
    sealedUpTo: number;
    period: FilterOptions;
    queries: ReadonlyMap<string, FilterOptions>;
  },
): { reading: SliceReading; taker: EntryTaker } {
  const reading: SliceReading = { lines: 0, within: 0, counts: new Map(), tree };
  const time = compileFilter(period);
  const filters = new Map<string, RecordFilter>(
    [...queries].map(([id, query]) => [id, compileFilter(query)]),
  );
  const take = (data: Buffer, start: number, end: number) => {
    reading.lines++;
    if (tree !== undefined && tree.size < sealedUpTo) tree.append(leafHash(data.subarray(start, end)));
    try {
      const record = decodeRecord(data, start, end);
      if (!time.matches(record)) return;
      reading.within++;
      for (const [id, filter] of filters)
        if (filter.matches(record)) reading.counts.set(id, (reading.counts.get(id) ?? 0) + 1);
    } catch (error) {
      // A line that is no record stands in the slice as it stands in the log: it is hashed, and answers nothing.
      if (!(error instanceof LineFault)) throw error;
    }
  };
  const scanner = new LineScanner(name, { line: take, torn: take, oversized: () => reading.lines++ });
  let offset = 0;
  const taker = {
    push(data: Uint8Array) {
      scanner.feed({
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
        segment: name,
        offset,
      });
      offset += data.length;
    },
    end: () => scanner.finish(),
  };
  return { reading, taker };
}
