import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { followProcess } from '../../lib/pipeline/lifecycle.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { Child } from '../support/child.js';
import type { WriterPlan } from '../support/children/auditWriter.js';
import { folders, seqsIn } from '../support/logFolder.js';
import { ScriptedSink } from '../support/scriptedSink.js';

const upTo = (count: number) => [...Array(count).keys()];

describe('followProcess', () => {
  const folder = folders();
  // A minute of lingering: whatever is on the log got there because the process came to its end.
  const plan = (
    end: WriterPlan['end'],
    over: Partial<WriterPlan> = {},
  ): WriterPlan & { file: { path: string } } => ({
    file: { path: join(folder(), 'audit.jsonl') },
    pipeline: { mode: 'batch', scheduledDelayMillis: 60_000 },
    records: 20,
    end,
    ...over,
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`delivers on ${signal}, and dies by it${signal === 'SIGTERM' ? '' : ' @slow'}`, async () => {
      const what = plan('signal');
      const child = new Child('auditWriter.ts', what);
      await child.printed('ready');
      child.process.kill(signal);
      expect(await child.ended).to.include({ signal });
      expect(seqsIn(what.file.path)).to.deep.equal(upTo(20));
      expect(existsSync(`${what.file.path}.lock`)).to.equal(false);
    });
  }

  it('loses the same records without it: the test above can fail', async () => {
    const what = plan('signal', { follow: false });
    const child = new Child('auditWriter.ts', what);
    await child.printed('ready');
    child.process.kill('SIGTERM');
    await child.ended;
    expect(seqsIn(what.file.path)).to.deep.equal([]);
  });

  it('leaves the end to an application that listens too @slow', async () => {
    const what = plan('own signal handler');
    const child = new Child('auditWriter.ts', what);
    await child.printed('ready');
    child.process.kill('SIGTERM');
    expect(await child.ended).to.include({ code: 0, signal: null });
    expect(seqsIn(what.file.path)).to.deep.equal(upTo(21));
  });

  const endings: [WriterPlan['end'], number][] = [
    ['process.exit', 3],
    ['uncaught exception', 1],
    ['unhandled rejection', 1],
    ['run empty', 0],
    ['worker ends', 0],
    ['worker exits', 0],
  ];
  for (const [end, code] of endings) {
    it(`delivers when: ${end}${end === 'process.exit' || end === 'worker ends' ? '' : ' @slow'}`, async () => {
      const what = plan(
        end,
        end === 'run empty' || end === 'worker ends' ? { pipeline: { mode: 'batch' } } : {},
      );
      const ended = await new Child('auditWriter.ts', what).ended;
      expect(ended.code, ended.stderr).to.equal(code);
      expect(seqsIn(what.file.path)).to.deep.equal(upTo(20));
    });
  }

  it('listens once however many pipelines there are, and not at all when the last has left', () => {
    const before = process.listenerCount('SIGTERM');
    const unfollow = upTo(20).map(() => followProcess(createPipeline({ sinks: [new ScriptedSink('a')] })));
    expect(process.listenerCount('SIGTERM')).to.equal(before + 1);
    for (const leave of unfollow) leave();
    expect(process.listenerCount('SIGTERM')).to.equal(before);
  });

  it('refuses options that it does not know', () => {
    const pipeline = createPipeline({ sinks: [new ScriptedSink('a')] });
    expect(() => followProcess(pipeline, { signal: 'SIGTERM' } as never)).to.throw(ConfigError);
    expect(() => followProcess(pipeline, { deadlineMs: 0 })).to.throw(ConfigError);
  });
});
