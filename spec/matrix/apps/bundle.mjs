// Puts the application, the SDK, OpenTelemetry and the audit log into one file, as an ES module and as CommonJS.
import { build } from 'esbuild';

const common = {
  entryPoints: ['bundled.mjs'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'error',
};
// esbuild's way for CommonJS packages inside an ES module: they go on to require Node's own modules.
const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
const define = { 'process.env.MATRIX_OTEL': JSON.stringify(process.env.MATRIX_OTEL) };
await build({ ...common, define, format: 'esm', outfile: 'bundle/app.mjs', banner: { js } });
await build({ ...common, define, format: 'cjs', outfile: 'bundle/app.cjs' });
