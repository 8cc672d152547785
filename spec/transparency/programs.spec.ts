import { expect } from 'chai';
import fc from 'fast-check';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { withLogging } from '../../lib/withLogging.js';
import { MemorySink } from '../support/memorySink.js';
import { copyOfSdk, type SdkCopy } from '../support/sdkCopy.js';
import { SETUPS } from '../support/telemetry.js';
import { differences } from './observation.js';
import { observeProgram, type Prepare, type PrepareServer } from './run.js';
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

    const behavesAlike = (prepare: Prepare, prepareServer?: PrepareServer): Promise<void> =>
      fc.assert(
        fc.asyncProperty(programs, async (program) => {
          const expected = await observeProgram(bare, program, (client) => client);
          const found = differences(expected, await observeProgram(patched, program, prepare, prepareServer));
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

    for (const mode of ['blocking', 'batch'] as const)
      it(`cannot be told from a bare one by any program where its server is audited, mode ${mode}${mode === 'batch' ? ' @slow' : ''}`, async () => {
        const audited: PrepareServer = (server) => withLogging(server, { sink, environment: 'test', mode });
        await behavesAlike((client) => client, audited);
        const sides = new Set(sink.records.map(({ mcp }) => mcp?.side));
        expect([...sides].filter(Boolean)).to.deep.equal(['server']);
        expect(sink.records.length).to.be.greaterThan(RUNS);
      });

    it('cannot be told from a bare one where both sides are, in OpenTelemetry', async () => {
      const stop = SETUPS.BasicTracerProvider({
        spanProcessors: [new AuditSpanProcessor({ sink, environment: 'test' })],
      });
      instrumentClient(patched.Client);
      instrumentClient(patched.McpServer);
      try {
        await behavesAlike((client) => client);
        const served = sink.records.filter(({ mcp }) => mcp?.side === 'server');
        expect(served.length).to.be.greaterThan(RUNS);
      } finally {
        disableSource(defaultSource);
        await stop();
      }
    });
  });
}
