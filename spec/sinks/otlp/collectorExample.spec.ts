import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';

interface Collector {
  receivers: Record<string, object>;
  processors: Record<string, object>;
  extensions: Record<string, object>;
  exporters: Record<string, { sending_queue?: { storage?: string } }>;
  service: {
    extensions: string[];
    pipelines: Record<string, { receivers: string[]; processors: string[]; exporters: string[] }>;
  };
}

/** No collector is to be had here to validate it; what can be checked without one is that it hangs together. */
describe('the collector example', () => {
  const file = new URL('../../../examples/collector/gateway.yaml', import.meta.url);
  const config = parse(readFileSync(file, 'utf8')) as Collector;

  it('configures every component that its pipelines name, and names every one that it configures', () => {
    const pipelines = Object.values(config.service.pipelines);
    for (const kind of ['receivers', 'processors', 'exporters'] as const) {
      const named = new Set(pipelines.flatMap((pipeline) => pipeline[kind]));
      expect([...named].sort(), kind).to.deep.equal(Object.keys(config[kind]).sort());
    }
    expect(config.service.extensions).to.deep.equal(Object.keys(config.extensions));
  });

  it('keeps every queue in a storage that is switched on', () => {
    for (const { sending_queue: queue } of Object.values(config.exporters))
      expect(queue?.storage).to.be.oneOf(config.service.extensions);
  });
});
