import { expect } from 'chai';
import { runNode } from './support/node.js';

/** What an import brings into a process: packages and files of ours (CommonJS only), modules of Node itself. */
interface Loaded {
  readonly packages: string[];
  readonly parts: string[];
  readonly builtins: string[];
}

const REPORT = `
const { createRequire } = await import('node:module');
const require = createRequire(process.cwd() + '/x.js');
const before = new Set(process.moduleLoadList);
await load(require);
const files = Object.keys(require.cache).map((file) => file.replaceAll('\\\\', '/'));
const names = (pattern) => [...new Set(files.map((file) => pattern.exec(file)?.[1]).filter(Boolean))];
console.log(JSON.stringify({
  packages: names(/.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/),
  parts: names(/\\/dist\\/cjs\\/(.*)\\.js$/),
  builtins: process.moduleLoadList.filter((name) => !before.has(name)).map((name) => name.replace('NativeModule ', '')),
}));`;

async function loadedBy(load: string): Promise<Loaded> {
  const code = `const load = async (require) => { ${load} };${REPORT}`;
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', code]);
  expect(stderr).to.equal('');
  return JSON.parse(stdout) as Loaded;
}

describe('what importing the package loads', () => {
  it('is what capture and redaction need: other packages come when they are used', async () => {
    const { packages, parts } = await loadedBy("require('otel-mcp-log')");
    expect(packages).to.include.members(['@opentelemetry/instrumentation', 're2js']);
    for (const name of ['@bufbuild/protobuf', 'oauth4webapi', 'fflate', '@duckdb/node-api'])
      expect(packages).not.to.include(name);
    expect(parts).to.include('parts/capture');
    for (const name of ['parts/protobuf', 'parts/ocsf', 'parts/ecs', 'parts/diagnose', 'integrity/index'])
      expect(parts).not.to.include(name);
  });

  for (const [kind, load] of [
    ['an ES module', "await import('otel-mcp-log')"],
    ['CommonJS', "require('otel-mcp-log')"],
  ] as const)
    it(`as ${kind} leaves Node's own HTTP clients and compression alone`, async () => {
      const { builtins } = await loadedBy(load);
      expect(builtins).to.include('crypto');
      expect(builtins.filter((name) => ['http', 'https', 'tls', 'zlib'].includes(name))).to.deep.equal([]);
    });

  it('grows by a codec where a sink asks for it', async () => {
    const { packages, parts } = await loadedBy(`
      const { HttpSink } = require('otel-mcp-log');
      const sink = new HttpSink({ endpoint: 'http://127.0.0.1:9', format: 'protobuf', timeoutMs: 100 });
      await sink.emit([]);
      await sink.emit([{}]).catch(() => undefined);`);
    expect(packages).to.include('@bufbuild/protobuf');
    expect(parts).to.include('parts/protobuf');
  });
});
