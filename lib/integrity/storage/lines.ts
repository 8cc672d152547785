import { type LogChunk } from './segments.js';

const LF = 0x0a;

/** One line of a log. */
export interface LogLine {
  /** The exact bytes, without the LF. Valid until the next batch is asked for. */
  readonly bytes: Buffer;
  /** Its place in the whole log, from 0. */
  readonly index: number;
  /** The path of the segment that it is from. */
  readonly segment: string;
  /** Where it starts within the segment, in bytes. */
  readonly offset: number;
  /** The last line of a segment, and no LF ends it: a write was cut short. */
  readonly torn: boolean;
}

/**
 * The lines of a log, a batch for each chunk read: constant memory for lines of bounded length.
 *
 * @example
 * ```ts
 * for await (const batch of readLines(readSegments(await findSegments('audit.jsonl'))))
 *   for (const line of batch) console.log(line.index, line.bytes.toString('utf8'));
 * ```
 */
export async function* readLines(
  chunks: AsyncIterable<LogChunk>,
): AsyncGenerator<LogLine[], void, undefined> {
  let index = 0;
  let rest: Buffer = Buffer.alloc(0);
  let place = { segment: '', offset: 0 };
  const torn = (): LogLine => ({ bytes: rest, index: index++, ...place, torn: true });

  for await (const { data, segment, offset } of chunks) {
    const batch: LogLine[] = [];
    if (segment !== place.segment) {
      if (rest.length > 0) batch.push(torn());
      rest = Buffer.alloc(0);
    }
    let start = 0;
    for (let end = data.indexOf(LF); end !== -1; end = data.indexOf(LF, start)) {
      const part = data.subarray(start, end);
      if (rest.length > 0) batch.push({ bytes: Buffer.concat([rest, part]), index, ...place, torn: false });
      else batch.push({ bytes: part, index, segment, offset: offset + start, torn: false });
      rest = Buffer.alloc(0);
      index++;
      start = end + 1;
    }
    if (rest.length === 0) place = { segment, offset: offset + start };
    // A copy: the reader's buffers are used again.
    if (start < data.length) rest = Buffer.concat([rest, data.subarray(start)]);
    if (batch.length > 0) yield batch;
  }
  if (rest.length > 0) yield [torn()];
}
