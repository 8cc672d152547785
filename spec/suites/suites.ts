/** A suite of the MCP SDK's own tests. */
export interface Suite {
  /** Its folder in a checkout. */
  readonly folder: string;
  /** The source files of its clients and servers, there, and the class that each exports. */
  readonly classes: Readonly<Record<string, string>>;
  /** How its packages are installed. */
  readonly install: readonly string[];
  /** The package manager that its tests call, for those that build. */
  readonly tools: readonly string[];
  /** Whether requests may carry the trace context. Some tests compare what is sent with what they passed, key by key. */
  readonly propagate: boolean;
}

const QUIET = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
const PNPM = 'pnpm@10.26.1';

/** The suites of version 2, whose clients and servers are packages of their own. */
const V2 = {
  install: ['npx', '-y', PNPM, 'install', '--frozen-lockfile', '--ignore-scripts'],
  tools: ['-p', PNPM],
  propagate: false,
} as const;

export const SUITES: Readonly<Record<'v1' | 'v2', readonly Suite[]>> = {
  v1: [
    {
      folder: '.',
      classes: {
        'src/client/index.ts': 'Client',
        'src/server/index.ts': 'Server',
        'src/server/mcp.ts': 'McpServer',
      },
      install: ['npm', 'ci', ...QUIET],
      tools: [],
      propagate: true,
    },
  ],
  v2: [
    { ...V2, folder: 'packages/client', classes: { 'src/client/client.ts': 'Client' } },
    {
      ...V2,
      folder: 'packages/server',
      classes: { 'src/server/server.ts': 'Server', 'src/server/mcp.ts': 'McpServer' },
    },
  ],
};

/** A test's name with how it ended, for every test of a run that ended otherwise than well. */
export interface Outcome {
  readonly total: number;
  readonly passed: number;
  readonly others: readonly string[];
}

interface Report {
  readonly numTotalTests: number;
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** What vitest's report in JSON comes to. */
export function outcomeOf(report: unknown, root: string): Outcome {
  const { numTotalTests, numPassedTests, testResults } = report as Report;
  const others = testResults.flatMap(({ name, status, assertionResults }) => {
    const file = name.replace(`${root}/`, '');
    const tests = assertionResults
      .filter((test) => test.status !== 'passed')
      .map((test) => `${test.status}: ${file}: ${test.fullName}`);
    // A file that could not be loaded has no test at all.
    return tests.length > 0 || status === 'passed' ? tests : [`${status}: ${file}`];
  });
  return { total: numTotalTests, passed: numPassedTests, others: others.sort() };
}

/** The tests that ended in one run otherwise than in the other. */
export function differing(bare: Outcome, audited: Outcome): string[] {
  const only = (some: Outcome, others: Outcome) =>
    some.others.filter((each) => !others.others.includes(each));
  return [
    ...only(bare, audited).map((each) => `without us only: ${each}`),
    ...only(audited, bare).map((each) => `with us only: ${each}`),
  ];
}

/** The file that a difference is in. */
export function fileOf(difference: string): string {
  return /^with(?:out)? us only: \w+: ([^:]+)/.exec(difference)?.[1] ?? '';
}
