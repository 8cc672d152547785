import { readFault, type LogInput } from '../input/logs.js';
import { LineScanner } from '../input/scanner.js';

/**
 * Hands over every line of a log, records or not, as they count for its tree: a torn last line counts, too.
 *
 * @returns How many there were.
 */
export async function eachLine(
  log: LogInput,
  visit: (bytes: Buffer, index: number) => void,
  pause: () => Promise<void> = async () => undefined,
): Promise<number> {
  let index = 0;
  const take = (data: Buffer, start: number, end: number) => visit(data.subarray(start, end), index++);
  for (const { path } of log.files) {
    const scanner = new LineScanner(path, { line: take, torn: take, oversized: () => index++ });
    try {
      for await (const chunk of log.read(path)) {
        scanner.feed(chunk);
        await pause();
      }
    } catch (error) {
      // What cannot be read was told when the log was surveyed; what can be read is handed over all the same.
      readFault(error);
    }
    scanner.finish();
  }
  return index;
}
