import type { FilterOptions } from '../query/filter.js';

/** The frameworks that evidence can be gathered for. */
export const FRAMEWORKS = ['pci', 'hipaa', 'soc2', 'nist'] as const;
/** One of them. */
export type Framework = (typeof FRAMEWORKS)[number];

/** What each framework is called. */
export const FRAMEWORK_TITLES: Readonly<Record<Framework, string>> = {
  pci: 'PCI DSS 4.0.1',
  hipaa: 'HIPAA Security Rule (45 CFR 164)',
  soc2: 'SOC 2, Trust Services Criteria (2017)',
  nist: 'NIST SP 800-53 Rev. 5',
};

/** One thing that auditors ask for, and how far a log of this kind answers it. */
export interface Control {
  /** Which requirements of which framework it answers to. */
  readonly asked: Readonly<Partial<Record<Framework, readonly string[]>>>;
  /** A short name, also of the file with the result. */
  readonly id: string;
  readonly title: string;
  /** The records that speak of it; absent where no query can show it. */
  readonly query?: FilterOptions;
  /** What the log shows. */
  readonly shows: string;
  /** What it cannot show. */
  readonly cannot: string;
  /** Whether a bundle speaks of it only where records of it are in the bundle. */
  readonly onlyWhereFound?: true;
}

/** The rows of the controls table (docs/controls.md), in its order. */
export const CONTROLS: readonly Control[] = [
  {
    id: 'every-operation',
    title: 'A record per operation',
    asked: {
      pci: ['10.2.1', '10.2.1.1', '10.2.1.2'],
      nist: ['AU-2', 'AU-12'],
      hipaa: ['164.312(b)'],
      soc2: ['CC7.2'],
    },
    query: {},
    shows:
      'Every operation of the audited MCP clients in the period: connect and close, lists, reads, prompts, tool calls, sampling and elicitation.',
    cannot:
      'What clients did that were not audited, what servers did of their own accord, and which objects a call created or deleted on a server.',
  },
  {
    id: 'access-to-data',
    title: 'Access to data',
    asked: {
      pci: ['10.2.1.1'],
      hipaa: ['164.312(b)', '164.308(a)(1)(ii)(D)'],
      soc2: ['CC6.1'],
      nist: ['AU-2'],
    },
    query: { event: ['tool_invocation,context_access,resource_access,resource_read,prompt_execution'] },
    shows:
      'Which tools were called and which resources and prompts were read, by whom and with what outcome.',
    cannot:
      'Whether the data was cardholder data or health information: that follows from your classification, which the sensitivity of a record only repeats.',
  },
  {
    id: 'log-access',
    title: 'Access to the log itself',
    asked: { pci: ['10.2.1.3'], hipaa: ['164.312(b)'] },
    query: { resource: ['audit/read'] },
    shows:
      'Who read which log with the commands of this package, when, by which filter and why, and how many records they were given: in the access log, which goes into a bundle as a log of its own.',
    cannot: 'Reading by any other program: that is for the audit of the operating system.',
    onlyWhereFound: true,
  },
  {
    id: 'refused-access',
    title: 'Refused access',
    asked: {
      pci: ['10.2.1.4'],
      hipaa: ['164.308(a)(5)(ii)(C)'],
      soc2: ['CC6.1', 'CC7.2'],
      nist: ['AU-2', 'AC-7'],
    },
    query: { outcome: ['denied,unauthorized'] },
    shows:
      'Every operation that a server or a local policy refused, for want of a right or of a valid login.',
    cannot: 'Attempts that never reached an audited client.',
  },
  {
    id: 'log-lifecycle',
    title: 'Start, stop and pause of the log',
    asked: { pci: ['10.2.1.6'], nist: ['AU-12'] },
    query: { resource: ['audit/start', 'audit/stop', 'audit/gap'] },
    shows: 'When the log began and ended, and where it admits to a gap.',
    cannot: 'A stop by a kill that left no time to write; the next start then reports what was under way.',
  },
  {
    id: 'record-content',
    title: 'Content of a record',
    asked: { pci: ['10.2.2'], nist: ['AU-3'], hipaa: ['164.312(b)'] },
    query: {},
    shows:
      'Who, what kind of event, when, outcome, origin and the resource: a record without them is no record, and is named as unreadable.',
    cannot: 'That an actor is who the application says it is.',
  },
  {
    id: 'unique-actors',
    title: 'Unique identification of actors',
    asked: { hipaa: ['164.312(a)(2)(i)'], nist: ['AU-10', 'IA-2'], pci: ['8.2.1'], soc2: ['CC6.1'] },
    query: { event: ['login,mcp_initialize,transport_connect'] },
    shows: 'The actor and its kind (user, agent, service) for each session and each operation.',
    cannot: 'Shared logins in the application that calls itself one actor.',
  },
  {
    id: 'tamper-evidence',
    title: 'Protection against change',
    asked: {
      pci: ['10.3.4'],
      hipaa: ['164.312(c)(1)', '164.312(c)(2)'],
      nist: ['AU-9(3)', 'AU-10'],
      soc2: ['CC7.2'],
    },
    shows:
      'The slice of the log in this bundle leads to a signed checkpoint; anyone can check that with the public key, offline.',
    cannot:
      'A rewrite by one who holds both the log and its key, unless a checkpoint was kept elsewhere (an anchor).',
  },
  {
    id: 'failures-of-logging',
    title: 'Failures of the log itself',
    asked: { pci: ['10.7.2', '10.7.3'], nist: ['AU-5'], soc2: ['CC7.3'] },
    query: { gaps: true },
    shows:
      'Gap records with their count, time and cause, and operations whose outcome nobody saw; holes in the order are counted beside.',
    cannot: 'That somebody responded to them: that is for your incident records.',
  },
  {
    id: 'time',
    title: 'Time',
    asked: { pci: ['10.6.1', '10.6.3'], nist: ['AU-8'] },
    query: {},
    shows:
      'UTC time in milliseconds and a monotonic duration for each record, and an order (seq) that does not hang on the clock.',
    cannot: 'That the clock of the host was synchronised.',
  },
  {
    id: 'changed-tools',
    title: 'Changes of tool definitions',
    asked: { soc2: ['CC7.1', 'CC8.1'], nist: ['CM-3'] },
    query: { resource: ['audit/tool-changed'] },
    shows:
      'Each tool whose definition changed after the client had first seen it, with what the definition said before and says now (results/tool-changes.txt), as far as records of the period keep both.',
    cannot: 'Whether the change was approved.',
  },
  {
    id: 'review',
    title: 'Review',
    asked: {
      pci: ['10.4.1'],
      hipaa: ['164.308(a)(1)(ii)(D)'],
      nist: ['AU-6', 'AU-7'],
      soc2: ['CC7.2', 'CC7.3'],
    },
    query: { outcome: ['failure,partial,unknown'] },
    shows: 'Whatever did not plainly succeed, and the report in this bundle, which keeps content and order.',
    cannot: 'That somebody looked at it.',
  },
  {
    id: 'redaction',
    title: 'Secrets and card numbers kept out',
    asked: { pci: ['3.3.1', '3.5.1'], hipaa: ['164.312(e)(2)(ii)'], soc2: ['CC6.7'], nist: ['AU-3(3)'] },
    query: { contains: ['[REDACTED'] },
    shows: 'The records in which a value was taken out before it was written.',
    cannot: 'That no secret is left which no rule of the redaction policy knows.',
  },
  {
    id: 'retention',
    title: 'Retention',
    asked: { pci: ['10.5.1'], hipaa: ['164.316(b)(2)(i)'], nist: ['AU-11'] },
    shows: 'The earliest and the latest record of each log: nothing is deleted by default.',
    cannot: 'That older logs are kept where this command was not pointed at.',
  },
  {
    id: 'file-protection',
    title: 'Protection of the log files',
    asked: { pci: ['10.3.1', '10.3.2', '10.3.3'], nist: ['AU-9', 'AU-9(2)'], soc2: ['CC6.1'] },
    shows: 'Nothing by itself: file modes and copies on other hosts are seen on the host, not in the log.',
    cannot: 'Who can read or write the files, and whether a copy is kept off the host.',
  },
];

/** The controls that a framework asks for. */
export function controlsOf(framework: Framework): readonly Control[] {
  return CONTROLS.filter(({ asked }) => asked[framework] !== undefined);
}

/** A query over a period as one would type it after `otel-mcp-log query`. */
export function queryWords(query: FilterOptions, period: { from?: string; to?: string }): string {
  const { from, to } = period;
  const all = {
    ...(from === undefined ? {} : { since: from }),
    ...(to === undefined ? {} : { until: to }),
    ...query,
  };
  return Object.entries(all)
    .flatMap(([name, value]) => {
      if (value === true) return [`--${name}`];
      const values: readonly string[] =
        typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
      return values.map((text) => `--${name} ${/^[\w:.,-]+$/.test(text) ? text : `'${text}'`}`);
    })
    .join(' ');
}
