import { until } from '../../support/scriptedSink.js';
import { TestLog } from '../../support/sealedLog.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

// In a file of its own, since it takes seconds: what the timers do is told in logUse.spec.ts, with a clock that is held.
describe('integrity: a log by the clock of the machine', () => {
  it('is sealed after so many seconds while nothing follows, again and again', async () => {
    const folder = temporaryFolder();
    const log = await new TestLog(folder.path, { checkpointSeconds: 1 }).open();
    for (const [count, size] of [
      [3, 3],
      [1, 4],
    ] as const) {
      log.append(count);
      await until(() => log.log.checkpoint?.size === size);
    }
    await log.close();
    folder.remove();
  });
});
