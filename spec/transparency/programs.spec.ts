import { expect } from 'chai';
import fc from 'fast-check';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/source.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { withLogging } from '../../lib/withLogging.js';
import { MemorySink } from '../support/memorySink.js';
import { copyOfSdk, type SdkCopy } from '../support/sdkCopy.js';
import { SETUPS } from '../support/telemetry.js';
import { differences } from './observation.js';
import { observeProgram, type Prepare } from './run.js';
import { programs } from './steps.js';

/** Programs for each kind of client; more where somebody asks for them. */
const RUNS = Number(process.env['TRANSPARENCY_RUNS'] ?? 25);

for (const version of ['v1', 'v2'] as const) {
  describe(`a client of ${version} that is audited`, function () {
    this.timeout(RUNS * 4_000);
    let bare: SdkCopy;
    let patched: SdkCopy;
    let sink: MemorySink;

    before(() => {
      bare = copyOfSdk(version);
      patched = copyOfSdk(version);
    });
    beforeEach(() => (sink = new MemorySink()));
    after(() => {
      bare.remove();
      patched.remove();
    });

    const behavesAlike = (prepare: Prepare): Promise<void> =>
      fc.assert(
        fc.asyncProperty(programs, async (program) => {
          const expected = await observeProgram(bare, program, (client) => client);
          const found = differences(expected, await observeProgram(patched, program, prepare));
          if (found !== '') throw new Error(found);
        }),
        { numRuns: RUNS },
      );

    it('by withLogging cannot be told from a bare one by any program', async () => {
      await behavesAlike((client) => withLogging(client, { sink, environment: 'test' }));
      expect(sink.records.length).to.be.greaterThan(RUNS);
    });

    it('by instrumentation, in OpenTelemetry, cannot be told from a bare one by any program', async () => {
      const stop = SETUPS.BasicTracerProvider({
        spanProcessors: [new AuditSpanProcessor({ sink, environment: 'test' })],
      });
      instrumentClient(patched.Client);
      try {
        await behavesAlike((client) => client);
        expect(sink.records.length).to.be.greaterThan(RUNS);
      } finally {
        disableSource(defaultSource);
        await stop();
      }
    });
  });
}
