import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect } from 'chai';
import { runNode, type Finished } from '../support/node.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const FIXTURES = join(root, 'spec', 'decorators', 'fixtures', 'compiled');
const AGENT = join(FIXTURES, 'agent.ts');
const EXPECTED = [
  'checks/one Ran #check. OUTCOME_SUCCESS',
  'choices/left Ran decide. OUTCOME_SUCCESS',
  'static/one Ran plan. OUTCOME_SUCCESS',
  'steps/one Ran steps. OUTCOME_SUCCESS',
  'tokens/one Ran tokens. OUTCOME_SUCCESS',
];

describe('@audited of the built package', function () {
  this.timeout(120_000);
  let folder: string;

  // Inside the package, so that its own name leads to the build.
  before(() => {
    folder = mkdtempSync(join(root, 'dist', 'compiled-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const expectRecords = ({ code, stdout, stderr }: Finished) => {
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal(EXPECTED);
  };

  async function tsc(files: string[], options: Record<string, unknown>): Promise<Finished> {
    const project = join(folder, 'tsconfig.json');
    const compilerOptions = {
      strict: true,
      target: 'ES2022',
      lib: ['ES2022', 'ESNext.Decorators'],
      module: 'nodenext',
      types: ['node'],
      rootDir: FIXTURES,
      outDir: folder,
      skipLibCheck: true,
      ...options,
    };
    writeFileSync(project, JSON.stringify({ compilerOptions, files }));
    return runNode([TSC, '-p', project]);
  }

  it('runs as tsc compiles it', async () => {
    const { code, stdout } = await tsc([AGENT], {});
    expect(code, stdout).to.equal(0);
    expectRecords(await runNode([join(folder, 'agent.js')]));
  });

  it('runs as esbuild bundles it', async () => {
    const outfile = join(folder, 'bundle.mjs');
    await build({
      entryPoints: [AGENT],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: ['otel-mcp-log'],
    });
    expectRecords(await runNode([outfile]));
  });

  it('runs as tsx runs it', async () => {
    expectRecords(await runNode(['--import', 'tsx', AGENT]));
  });

  it('keeps the types of methods, and refuses options that do not fit them', async () => {
    const { code, stdout } = await tsc([join(FIXTURES, 'types.ts')], { noEmit: true });
    expect(code, stdout).to.equal(0);
  });

  for (const compiler of ['tsc', 'esbuild']) {
    it(`says what to do where experimentalDecorators is set for ${compiler}`, async () => {
      const legacy = join(FIXTURES, 'legacy.ts');
      const outfile = join(folder, 'legacy.js');
      if (compiler === 'tsc') await tsc([legacy], { experimentalDecorators: true, noEmitOnError: false });
      else
        await build({
          entryPoints: [legacy],
          outfile,
          format: 'esm',
          tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
        });
      const { code, stderr } = await runNode([outfile]);
      expect(code).to.equal(1);
      expect(stderr).to.match(/ConfigError.*remove experimentalDecorators from the compiler options/);
    });
  }
});
