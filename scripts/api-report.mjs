// The public surface, as one file for each entry in `spec/package/surface/`: a change of it shows in review. `--check` fails where the committed
// report is not what the build gives; without it the report is written anew.
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'spec/package/surface');
const check = process.argv.includes('--check');
const scratch = mkdtempSync(join(tmpdir(), 'api-report-'));

/** Undocumented members are typedoc's to find (`npm run docs`); release tags are not used here. */
const messages = {
  compilerMessageReporting: { default: { logLevel: 'error' } },
  extractorMessageReporting: { default: { logLevel: 'none' } },
  tsdocMessageReporting: { default: { logLevel: 'none' } },
};

const entries = { index: 'dist/types/index.d.ts', integrity: 'dist/types/integrity/index.d.ts' };
let changed = false;
for (const [name, types] of Object.entries(entries)) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: join(root, 'package.json'),
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, types),
      apiReport: {
        enabled: true,
        // What an exported type shows can be written by users, whether or not they can name it.
        includeForgottenExports: true,
        reportFileName: name,
        reportFolder: folder,
        reportTempFolder: scratch,
        reportVariants: ['complete'],
      },
      compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      newlineKind: 'lf',
      messages,
    },
  });
  const result = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback: (message) => (message.handled = message.logLevel !== 'error'),
  });
  changed ||= result.apiReportChanged;
}
rmSync(scratch, { recursive: true });
if (check && changed) {
  console.error(
    'The public surface is not what spec/package/surface/ says. If that is meant, run `npm run api-report` and commit what it wrote.',
  );
  process.exit(1);
}
