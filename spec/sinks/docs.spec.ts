import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FieldNotesSink } from '../../lib/sinks/http/fieldNotesSink.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { HttpSink } from '../../lib/sinks/http/httpSink.js';
import { OtlpLogSink } from '../../lib/sinks/otlpLogSink.js';
import { SpoolSink } from '../../lib/sinks/spool/spoolSink.js';
import { StdoutSink } from '../../lib/sinks/stdoutSink.js';
import { MemorySink } from '../support/memorySink.js';

const page = readFileSync(new URL('../../docs/sinks.md', import.meta.url), 'utf8');
/** No option of any of these sinks: it makes them say which they have. */
const unknown = { 'no such option': 1 } as never;

/** The options that a constructor says it knows. */
function optionsOf(construct: () => unknown): string[] {
  try {
    construct();
  } catch (error) {
    if (error instanceof ConfigError) return error.problem.split('known are ')[1]!.split(', ');
    throw error;
  }
  throw new Error('expected a ConfigError');
}

/** The text under a heading of the second level. */
const section = (heading: string) =>
  page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? expect.fail(`no section ${heading}`);

describe('docs/sinks.md', () => {
  const sections: Record<string, () => unknown> = {
    StdoutSink: () => new StdoutSink(unknown),
    FileSink: () => new FileSink(unknown),
    HttpSink: () => new HttpSink(unknown),
    OtlpLogSink: () => new OtlpLogSink(unknown),
    SpoolSink: () => new SpoolSink(new MemorySink(), unknown),
    'Several sinks, each with its own filter': () =>
      createPipeline({ sinks: [{ sink: new MemorySink(), ...(unknown as object) }] }),
  };
  for (const [heading, construct] of Object.entries(sections)) {
    it(`has every option of: ${heading}`, () => {
      const text = section(heading);
      const missing = optionsOf(construct).filter((option) => !new RegExp(`\`${option}\\b`).test(text));
      expect(missing).to.deep.equal([]);
    });
  }

  it('has every option of: FieldNotesSink, its own or those of HttpSink', () => {
    const text = section('FieldNotesSink') + section('HttpSink');
    const missing = optionsOf(() => new FieldNotesSink(unknown)).filter(
      (option) => !text.includes(`\`${option}\``),
    );
    expect(missing).to.deep.equal([]);
  });

  it('has sinks in its example that can be made', async () => {
    const code = /```js\n(import[\s\S]*?)```/.exec(section('Several sinks, each with its own filter'))?.[1];
    const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-docs-'));
    try {
      const body = code!
        .replace(/^import .*$/m, '')
        .replace('export const sinks =', 'return')
        .replace("'audit.jsonl'", JSON.stringify(join(folder, 'audit.jsonl')))
        .replace("'spool'", JSON.stringify(join(folder, 'spool')));
      const { SpoolSink } = await import('../../lib/sinks/spool/spoolSink.js');
      const make = new Function('FileSink', 'HttpSink', 'SpoolSink', body) as (...all: unknown[]) => [];
      const pipeline = createPipeline({ sinks: make(FileSink, HttpSink, SpoolSink) });
      expect(pipeline.stats().sinks.map(({ name }) => name)).to.deep.equal(['file', 'spool:http']);
      await pipeline.shutdown();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
