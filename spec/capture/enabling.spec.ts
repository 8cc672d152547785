import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { McpInstrumentation as Traceloop } from '@traceloop/instrumentation-mcp';
import { expect } from 'chai';
import { McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { MemorySink } from '../support/memorySink.js';
import { copyOfSdk, EXERCISED, exercise } from '../support/sdkCopy.js';

const HELLO = [{ type: 'text', text: 'hello' }];

for (const version of ['v1', 'v2'] as const) {
  const sdk = copyOfSdk(version);
  const prototype = sdk.Client.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;

  describe(`an instrumentation of the ${version} client`, () => {
    let sink: MemorySink;
    let processor: AuditSpanProcessor;
    let spans: string[];
    let provider: BasicTracerProvider;
    const made: McpInstrumentation[] = [];
    const original = Object.getOwnPropertyDescriptors(prototype);

    function instrument(): McpInstrumentation {
      const instrumentation = new McpInstrumentation({ servers: false });
      instrumentation.setTracerProvider(provider);
      made.push(instrumentation);
      return instrumentation;
    }

    beforeEach(() => {
      sink = new MemorySink();
      processor = new AuditSpanProcessor({ environment: 'test', sink });
      spans = [];
      const collector = {
        onStart: () => undefined,
        onEnd: ({ name }: { name: string }) => void spans.push(name),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      };
      provider = new BasicTracerProvider({ spanProcessors: [collector, processor] });
    });

    afterEach(async () => {
      unwrapOthers();
      for (const instrumentation of made.splice(0)) instrumentation.disable();
      unwrapOthers();
      for (const key of Reflect.ownKeys(prototype))
        if (!Reflect.has(original, key)) Reflect.deleteProperty(prototype, key);
      expect(Object.getOwnPropertyDescriptors(prototype)).to.deep.equal(original);
      await processor.shutdown();
    });

    after(() => sdk.remove());

    /** Takes off what OpenTelemetry's `_wrap` put on: each such wrapper knows how. */
    function unwrapOthers(): void {
      for (const key of ['connect', 'request', 'close']) {
        (prototype[key] as unknown as { __unwrap?: () => void }).__unwrap?.();
      }
    }

    async function exerciseAndExpect(resources: readonly string[]): Promise<void> {
      sink.records.length = spans.length = 0;
      expect(await exercise(sdk)).to.deep.equal(HELLO);
      expect(sink.records.map(({ resource }) => resource)).to.deep.equal(resources);
      expect(spans, 'spans').to.have.length(resources.length);
    }

    it('leaves every property of the class as it was when it is disabled', async () => {
      const instrumentation = instrument();
      expect(Object.getOwnPropertyDescriptors(prototype)).not.to.deep.equal(original);
      instrumentation.disable();
      expect(Object.getOwnPropertyDescriptors(prototype)).to.deep.equal(original);
      await exerciseAndExpect([]);
    });

    it('records again after it was disabled and enabled, and once if enabled twice', async () => {
      const instrumentation = instrument();
      instrumentation.disable();
      instrumentation.enable();
      instrumentation.enable();
      await exerciseAndExpect(EXERCISED);
    });

    it('makes one span and one record each where two are registered, until both are disabled', async () => {
      const [first, second] = [instrument(), instrument()];
      await exerciseAndExpect(EXERCISED);
      first.disable();
      await exerciseAndExpect(EXERCISED);
      second.disable();
      expect(Object.getOwnPropertyDescriptors(prototype)).to.deep.equal(original);
    });

    it("keeps another tool's wrapper when it is disabled, and records all when it is enabled again", async () => {
      const instrumentation = instrument();
      const ours = prototype['callTool']!;
      let calls = 0;
      prototype['callTool'] = function (this: object, ...args: unknown[]) {
        calls++;
        return Reflect.apply(ours, this, args);
      };
      await exerciseAndExpect(EXERCISED);
      instrumentation.disable();
      await exerciseAndExpect([]);
      expect(calls).to.equal(2);
      instrumentation.enable();
      await exerciseAndExpect(EXERCISED);
      expect(calls).to.equal(3);
      prototype['callTool'] = ours;
    });

    for (const order of ['before', 'after']) {
      it(`stands beside @traceloop/instrumentation-mcp, patched ${order} ours`, async () => {
        const traceloop = new Traceloop();
        if (order === 'before') traceloop.manuallyInstrument({ Client: sdk.Client });
        const instrumentation = instrument();
        if (order === 'after') traceloop.manuallyInstrument({ Client: sdk.Client });

        await exerciseAndExpect(EXERCISED);
        instrumentation.disable();
        await exerciseAndExpect([]);
        instrumentation.enable();
        await exerciseAndExpect(EXERCISED);
        traceloop.disable();
        await exerciseAndExpect(EXERCISED);
      });
    }
  });
}
