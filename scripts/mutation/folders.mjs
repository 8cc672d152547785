// Which specs judge which folder. Specs that start children or take seconds a test stay out: each would run for every mutant.
const OUT = [
  'spec/integrity/entry.spec.ts', // runs the compiler
  'spec/redaction/linear.spec.ts', // times out by design where a pattern is careless
];

const SPECS = {
  processor: ['spec/processor', 'spec/fuzz/spans.spec.ts'],
  pipeline: ['spec/pipeline'],
  codecs: ['spec/codecs'],
  redaction: ['spec/redaction'],
  integrity: ['spec/integrity'],
};

export const folders = Object.keys(SPECS);

/** The patterns of the specs that judge a folder of `lib`, and of those that are left out. */
export function specsOf(folder) {
  const spec = SPECS[folder].map((path) => (path.endsWith('.ts') ? path : `${path}/*.spec.ts`));
  return { spec, ignore: OUT };
}
