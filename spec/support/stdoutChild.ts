import { fork } from 'node:child_process';
import { SinkError } from '../../lib/errors.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { Sink, SinkResult } from '../../lib/sinks/sink.js';
import type { StdoutSinkOptions } from '../../lib/sinks/stdoutSink.js';
import { bundled } from './bundled.js';

interface Reply {
  id: number;
  result?: SinkResult & { error?: { message: string; sink: string; code: SinkError['code'] } };
}

/** A StdoutSink in a process of its own, seen from here as a sink; its standard streams are pipes to here. */
export interface StdoutChild {
  sink: Sink;
  /** Lets the process end, and gives what it wrote. */
  output(): Promise<{ stdout: string; stderr: string; code: number | null }>;
  /** Closes the reading end of its stream, as `| head -1` does. */
  hangUp(): Promise<void>;
}

/** Starts the process and waits until its sink is there. */
export async function startStdoutChild(options: StdoutSinkOptions = {}): Promise<StdoutChild> {
  const child = fork(
    bundled(new URL('children/stdoutSinkChild.ts', import.meta.url)),
    [JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      execArgv: [],
    },
  );
  const text = { stdout: '', stderr: '' };
  // Not the child's own `close` event: it does not come after a disconnect from this side.
  const ended = [new Promise<number | null>((resolve) => child.once('exit', resolve))];
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => (text[name] += chunk));
    ended.push(new Promise((resolve) => child[name]?.once('close', () => resolve(null))));
  }

  const waiting = new Map<number, (reply: Reply) => void>();
  child.on('message', (reply: Reply) => waiting.get(reply.id)?.(reply));
  const reply = (id: number): Promise<Reply> => new Promise((resolve) => waiting.set(id, resolve));
  await reply(0);

  let calls = 0;
  const call = (method: string, records?: readonly AuditRecord[]): Promise<SinkResult | undefined> => {
    const id = ++calls;
    const answer = reply(id).then(({ result }) => {
      if (result && 'error' in result) {
        const { message, sink, code } = result.error;
        return { ...result, error: new SinkError(sink, message, { code }) };
      }
      return result;
    });
    if (child.connected) child.send({ id, method, records });
    else waiting.get(id)?.({ id });
    return answer;
  };
  const stream = options.stream ?? 'stdout';
  return {
    sink: {
      name: options.name ?? stream,
      emit: (records) => call('emit', records),
      flush: () => call('flush').then(() => undefined),
      close: () => call('close').then(() => undefined),
    },
    output: async () => {
      if (child.connected) child.disconnect();
      const [code = null] = await Promise.all(ended);
      return { ...text, code };
    },
    hangUp: () =>
      new Promise((resolve) => {
        child[stream]?.once('close', resolve).destroy();
      }),
  };
}
