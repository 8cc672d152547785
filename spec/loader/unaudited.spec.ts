import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { runNode } from '../support/node.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const METHODS = [
  'connect',
  'close',
  'request',
  'notification',
  'setRequestHandler',
  'callTool',
  'listTools',
  '_onclose',
];
const CLIENT = `class Client { ${METHODS.map((name) => `async ${name}() {}`).join(' ')} }`;
const ESM = `export ${CLIENT}`;
const CJS = `${CLIENT} exports.Client = Client;`;

/** Copies of the SDK as far as a loader sees them. */
const COPIES = {
  '@modelcontextprotocol/sdk': {
    entry: '@modelcontextprotocol/sdk/client/index.js',
    exports: {
      './client/index.js': {
        import: './dist/esm/client/index.js',
        require: './dist/cjs/client/index.js',
      },
    },
    files: {
      'dist/esm/client/index.js': ESM,
      'dist/esm/package.json': '{"type":"module"}',
      'dist/cjs/client/index.js': CJS,
      'dist/cjs/package.json': '{"type":"commonjs"}',
    },
  },
  '@modelcontextprotocol/client': {
    entry: '@modelcontextprotocol/client',
    exports: { '.': { import: './dist/index.mjs', require: './dist/index.cjs' } },
    files: { 'dist/index.mjs': ESM, 'dist/index.cjs': CJS },
  },
};

describe('a version of the SDK that cannot be audited', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let root: string;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = temporaryFolder();
    root = realpathSync(folder.path);
    const file = join(root, 'audit.jsonl');
    env = { OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_FILE: file, OTEL_MCP_LOG_QUIET: '1' };
  });

  afterEach(() => folder.remove());

  function write(file: string, text: string): string {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  function install(name: keyof typeof COPIES, version: string): string {
    const { exports, files } = COPIES[name];
    const copy = join('node_modules', name);
    for (const [file, text] of Object.entries(files)) write(join(copy, file), text);
    write(join(copy, 'package.json'), JSON.stringify({ name, version, exports }));
    return join(root, copy);
  }

  /** An application that loads it as ES module, as CommonJS, or as both. */
  function apps(entry: string): Record<string, string> {
    const text = JSON.stringify(entry);
    const both = `import { createRequire } from 'node:module'; createRequire(import.meta.url)(${text});`;
    return {
      'ES module': write('app.mjs', `import { Client } from ${text}; console.log(typeof Client);`),
      CommonJS: write('app.cjs', `console.log(typeof require(${text}).Client);`),
      both: write('both.mjs', `import { Client } from ${text}; ${both} console.log(typeof Client);`),
    };
  }

  for (const [name, version] of [
    ['@modelcontextprotocol/sdk', '1.9.0'],
    ['@modelcontextprotocol/client', '3.0.0-beta.1'],
  ] as const)
    for (const how of ['ES module', 'CommonJS', 'both'])
      it(`is named once on stderr, and runs: ${name} ${version}, ${how}${how === 'both' ? '' : ' @slow'}`, async () => {
        const copy = install(name, version);
        const { code, stdout, stderr } = await runNode(
          ['--import', 'otel-mcp-log/register', apps(COPIES[name].entry)[how]!],
          env,
        );
        expect([code, stdout], stderr).to.deep.equal([0, 'function\n']);
        const [line, ...others] = stderr.trimEnd().split('\n');
        expect(others).to.deep.equal([]);
        expect(line).to.match(/^otel-mcp-log: NOT AUDITED: /);
        expect(line).to.include(`clients of ${name} ${version} in ${copy}: supported are `);
        expect(line).to.include('docs/troubleshooting.md, sdk-unsupported');
      });

  it('is not what a pre-release of a supported line is', async () => {
    install('@modelcontextprotocol/client', '2.9.0-beta.1');
    const [app] = Object.values(apps('@modelcontextprotocol/client'));
    const { stdout, stderr } = await runNode(['--import', 'otel-mcp-log/register', app!], env);
    expect([stdout, stderr]).to.deep.equal(['function\n', '']);
  });
});
