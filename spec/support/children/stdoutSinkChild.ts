// Runs a StdoutSink on this process's real streams, driven by messages from the test that started it.
import { StdoutSink, type StdoutSinkOptions } from '../../../lib/sinks/stdoutSink.js';
import type { AuditRecord } from '../../../lib/schema/record.js';

const sink = new StdoutSink(JSON.parse(process.argv[2] ?? '{}') as StdoutSinkOptions);

process.on(
  'message',
  ({ id, method, records }: { id: number; method: 'emit' | 'flush' | 'close'; records: AuditRecord[] }) => {
    void Promise.resolve(sink[method](records)).then((result) => {
      const error = result && 'error' in result ? result.error : undefined;
      process.send?.({
        id,
        result: { ...result, ...(error && { error: { ...error, message: error.message } }) },
      });
    });
  },
);
process.send?.({ id: 0 });
