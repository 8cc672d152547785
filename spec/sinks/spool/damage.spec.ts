// Whatever somebody does to the files of a spool between two runs, and whenever a process dies: each acknowledged record is
// delivered or told of as lost, none twice under two numbers, and the spool goes on.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createPipeline } from '../../../lib/pipeline/pipeline.js';
import { SpoolSink } from '../../../lib/sinks/spool/spoolSink.js';
import { draft, numbered } from '../../support/drafts.js';
import { folders } from '../../support/logFolder.js';
import { ScriptedSink } from '../../support/scriptedSink.js';
import { filesOf, gapRecord, lostIn, run, survivesDamage, upTo } from '../../support/spoolDamage.js';

describe('a spool whose files somebody touches', function () {
  this.timeout(60_000);
  const folder = folders();
  it('delivers each acknowledged record once, or tells the receiver and the user of it', () =>
    survivesDamage(folder(), 12));

  it('goes on with higher numbers when all its segments were removed, and tells what was in them', async () => {
    const directory = join(folder(), 'spool');
    await run(directory, 0, 5, false);
    await run(directory, undefined, 7, true);
    for (const name of filesOf(directory)) if (name.endsWith('.spool')) rmSync(join(directory, name));
    const { received, reported } = await run(directory, undefined, 3, false);
    expect(received.map(({ seq }) => seq)).to.deep.equal([11, 12, 13, 14]);
    expect([lostIn(received), reported]).to.deep.equal([7, 7]);
    expect(received[0]?.data).to.include({ cause: 'missing' });
  });

  it('tells of the loss at once, though no record follows, by the pipeline that it is put into', async () => {
    const directory = join(folder(), 'spool');
    await run(directory, 0, 7, true);
    for (const name of filesOf(directory)) if (name.endsWith('.spool')) rmSync(join(directory, name));
    const receiver = new ScriptedSink('remote');
    const sink = new SpoolSink(receiver, { directory, onError: () => undefined });
    const pipeline = createPipeline({ sinks: [sink], gapRecord });
    await pipeline.forceFlush();
    expect(lostIn(receiver.records)).to.equal(7);
    await pipeline.accept(draft());
    await pipeline.shutdown();
    expect(receiver.seqs).to.deep.equal([6, 7]);
  });

  it('still tells of it when the process ends before the receiver could be told', async () => {
    const directory = join(folder(), 'spool');
    await run(directory, 0, 7, true);
    for (const name of filesOf(directory)) if (name.endsWith('.spool')) rmSync(join(directory, name));
    await run(directory, undefined, 0, true);
    const { received } = await run(directory, undefined, 1, false);
    expect([lostIn(received), received.map(({ seq }) => seq)]).to.deep.equal([7, [6, 7]]);
  });

  it('writes again what is waiting when the file that it writes to is removed under it', async () => {
    const directory = join(folder(), 'spool');
    const receiver = new ScriptedSink('remote', [], 'retryable');
    const sink = new SpoolSink(receiver, { directory, gapRecord, onError: () => undefined });
    for (const seq of upTo(3)) await sink.emit([numbered(seq)]);
    for (const name of filesOf(directory)) rmSync(join(directory, name));
    await sink.emit([numbered(3)]);
    await sink.close();
    const { received } = await run(directory, undefined, 1, false);
    expect(received.map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('goes on from its entries alone, in whatever order, when all of its state was removed', async () => {
    const directory = join(folder(), 'spool');
    await run(directory, 0, 6, true);
    for (const name of filesOf(directory)) {
      const path = join(directory, name);
      if (name.endsWith('.json')) rmSync(path);
      else writeFileSync(path, `${readFileSync(path, 'utf8').trimEnd().split('\n').reverse().join('\n')}\n`);
    }
    const { received, next } = await run(directory, undefined, 2, false);
    expect([received.map(({ seq }) => seq), next]).to.deep.equal([upTo(8), 8]);
  });

  it('says which file of its state is damaged', async () => {
    const directory = join(folder(), 'spool');
    await run(directory, 0, 2, true);
    writeFileSync(join(directory, 'cursor.json'), '{"segment":1,"offset":999999}');
    const { sink, received } = await run(directory, undefined, 0, false);
    expect(sink.notices.map(({ kind, path }) => [kind, path])).to.deep.equal([
      ['spool-damaged', join(directory, 'cursor.json')],
    ]);
    expect(received.map(({ seq }) => seq)).to.deep.equal([0, 1]);
  });
});
