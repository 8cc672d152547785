import { expect } from 'chai';
import { join } from 'node:path';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FileSink } from '../../lib/sinks/file.js';
import { draft } from '../support/drafts.js';
import { folders, seqsIn } from '../support/logFolder.js';

describe('createPipeline', () => {
  const folder = folders();

  it('numbers records in the order of the calls, and goes on where the log ended', async () => {
    const path = join(folder(), 'audit.jsonl');
    for (let run = 0; run < 3; run++) {
      const pipeline = createPipeline({ sinks: [new FileSink(path)] });
      await Promise.all(Array.from({ length: 5 }, () => pipeline.accept(draft())));
      await pipeline.shutdown();
    }
    expect(seqsIn(path)).to.deep.equal([...Array(15).keys()]);
  });
});
