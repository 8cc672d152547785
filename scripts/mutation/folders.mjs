import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Which specs judge which folder. Specs that start children or take seconds a test stay out: each would run for every mutant.
const OUT = [
  'spec/processor/announce.spec.ts', // starts children
  'spec/pipeline/lifecycle.spec.ts', // starts children; followers.spec.ts shows the same within one process
  'spec/integrity/entry.spec.ts', // runs the compiler
  'spec/redaction/dialled.spec.ts', // starts a server
  'spec/redaction/walk/large.spec.ts', // takes a second for 50 MB
  'spec/integrity/sealing/logClock.spec.ts', // waits for seconds
  'spec/redaction/detectors/linear.spec.ts', // times out by design where a pattern is careless
];

// The processor hears of operations through what captures them. Of those specs the ones stay out that wait for seconds, copy the
// SDK into a `node_modules` (Stryker's sandbox has none), or want to be the first in their process to patch a class.
const CAPTURE = [
  ...['intents', 'listen', 'operationsV1', 'operationsV2'],
  ...['serverRequests', 'serverRequestsV1', 'streams'],
].map((name) => `spec/capture/${name}.spec.ts`);

const SPECS = {
  processor: [
    'spec/processor',
    'spec/fuzz/spans.spec.ts',
    ...CAPTURE,
    'spec/identity.spec.ts',
    'spec/sinkFailure.spec.ts',
  ],
  pipeline: ['spec/pipeline'],
  codecs: ['spec/codecs'],
  redaction: ['spec/redaction/**'],
  integrity: ['spec/integrity/**'],
};

export const folders = Object.keys(SPECS);

/** The patterns of the specs that judge a folder of `lib`, and of those that are left out. */
export function specsOf(folder) {
  const spec = SPECS[folder].map((path) => (path.endsWith('.ts') ? path : `${path}/*.spec.ts`));
  return { spec, ignore: OUT };
}

/** Every so many lines of all files of a folder, counted through, as Stryker names them: `lib/redaction/keys/keyNames.ts:8-8`. */
export function linesOf(folder, every) {
  let count = 0;
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('gen/'))
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      const lines = readFileSync(path, 'utf8')
        .split('\n')
        .map((_, index) => index + 1);
      return lines.filter(() => count++ % every === 0).map((line) => `${path}:${line}-${line}`);
    });
}
