import { join, parse } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Environment, SinkKind, Variables } from './environment.js';
import { FieldNotesSink } from './sinks/fieldNotes.js';
import { FileSink, type FileNotice } from './sinks/file.js';
import { HttpSink, type HttpSinkOptions } from './sinks/http.js';
import type { Sink } from './sinks/sink.js';
import { StdoutSink } from './sinks/stdout.js';

/**
 * Makes one of the sinks that the environment names.
 *
 * @throws ConfigError when an option cannot work, by the option's own name.
 */
export function createSink(
  kind: SinkKind,
  environment: Environment,
  env: Variables,
  onNotice?: (notice: FileNotice) => void,
): Sink {
  const { profile } = environment.audit;
  const options = environment.sinkOptions(kind);
  const encoding = profile === undefined ? {} : { profile };
  switch (kind) {
    case 'stdout':
    case 'stderr':
      return new StdoutSink({ ...encoding, stream: kind });
    case 'file':
      return new FileSink({
        path: filePath(environment),
        ...(onNotice !== undefined && { onNotice }),
      });
    case 'http':
      return new HttpSink({ ...encoding, ...options } as HttpSinkOptions);
    case 'fieldnotes':
      return FieldNotesSink.fromEnv(env, encoding);
  }
}

/**
 * Where the file sink writes. Worker threads run the preloaded modules of the main thread too, and each needs a file of its
 * own.
 */
export function filePath(environment: Environment): string {
  const path = String(environment.sinkOptions('file')['path'] ?? 'audit.jsonl');
  if (isMainThread || path.includes('{thread}')) return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-{thread}${ext}`);
}
