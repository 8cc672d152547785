import type { FilterOptions } from '../query/filter.js';
import type { CLAUSES, Framework } from './clauses.js';

/** One thing that auditors ask for, and how far a log of this kind answers it. */
export interface Control {
  /** Which clauses of which framework it answers to. What they ask is in `CLAUSES`. */
  readonly asked: { readonly [F in Framework]?: readonly (keyof (typeof CLAUSES)[F])[] };
  /** A short name, also of the file with the result. */
  readonly id: string;
  readonly title: string;
  /** The records that speak of it; absent where no query can show it. */
  readonly query?: FilterOptions;
  /** What the log shows; where the query finds nothing, it shows nothing. */
  readonly shows: string;
  /** What it cannot show. */
  readonly cannot: string;
  /** The evidence of other systems that is needed beside it. */
  readonly elsewhere: string;
}

/** The controls of docs/controls.md, in its order. */
export const CONTROLS: readonly Control[] = [
  {
    id: 'every-operation',
    title: 'A record per operation',
    asked: {
      pci: ['10.2.1'],
      hipaa: ['164.312(b)'],
      soc2: ['CC7.2'],
      iso: ['A.8.15'],
      nist: ['AU-2', 'AU-12'],
    },
    query: {},
    shows:
      'Every operation of the audited MCP clients in the period: connect and close, lists, reads, prompts, tool calls, sampling and elicitation.',
    cannot: 'What clients did that were not audited, and what servers did of their own accord.',
    elsewhere:
      'The list of all components in scope, and the audit logs of each of them: servers, databases, hosts.',
  },
  {
    id: 'access-to-data',
    title: 'Access to data',
    asked: { pci: ['10.2.1.1'], hipaa: ['164.312(b)'], soc2: ['CC6.1'], iso: ['A.8.15'], nist: ['AU-2'] },
    query: { event: ['tool_invocation,context_access,resource_access,resource_read,prompt_execution'] },
    shows:
      'Which tools were called and which resources and prompts were read through these clients, by whom and with what outcome.',
    cannot:
      'Whether the data was cardholder data or health information: that follows from your classification, which the sensitivity of a record only repeats. Nor which user an agent acted for, unless the application names the user as the actor.',
    elsewhere:
      'The data classification, and the logs of the servers and databases that hold the data: others reach it too.',
  },
  {
    id: 'administrators',
    title: 'Actions of administrators',
    asked: { pci: ['10.2.1.2'], iso: ['A.8.2'], nist: ['AC-6(9)'] },
    query: { event: ['privilege_use,policy_change,user_management'] },
    shows: 'The actions that your own code put on record as use of a privilege, with audit().',
    cannot:
      'Who is an administrator: a call of a tool looks the same for everyone. Nor what administrators did by other ways.',
    elsewhere:
      'The list of administrators, to be queried with --actor, and the audit logs of hosts and servers.',
  },
  {
    id: 'log-access',
    title: 'Access to the log itself',
    asked: { pci: ['10.2.1.3'], hipaa: ['164.312(b)'], iso: ['A.8.15'], nist: ['AU-9'] },
    query: { resource: ['audit/read'] },
    shows:
      'Who read which log with the commands of this package, when, by which filter and why, and how many records they were given: in the access log, if it is switched on and among the logs of this bundle.',
    cannot: 'Reading by any other program. Operations of MCP clients say nothing of it.',
    elsewhere: 'The audit of the operating system, or of the storage that holds the log.',
  },
  {
    id: 'refused-access',
    title: 'Refused access',
    asked: {
      pci: ['10.2.1.4'],
      hipaa: ['164.308(a)(5)(ii)(C)'],
      soc2: ['CC6.1', 'CC7.2'],
      iso: ['A.8.3', 'A.8.16'],
      nist: ['AC-3'],
    },
    query: { outcome: ['denied,unauthorized'] },
    shows:
      'Every operation that a server or a local policy refused, for want of a right or of a valid login.',
    cannot: 'Attempts that never reached an audited client, and log-ins of people at other systems.',
    elsewhere: 'The logs of the identity provider, and of each server, for attempts by other clients.',
  },
  {
    id: 'credentials',
    title: 'Changes of credentials and accounts',
    asked: { pci: ['10.2.1.5'] },
    shows:
      'Nothing: no operation of an MCP client shows that a credential, an account or a privilege was changed.',
    cannot:
      'Any of it. The record of a tool call says what a server was asked and what it answered, not what became of it.',
    elsewhere: 'The audit logs of the identity provider, the directory and the hosts.',
  },
  {
    id: 'log-lifecycle',
    title: 'Start and stop of the log',
    asked: { pci: ['10.2.1.6'], nist: ['AU-12'] },
    query: { resource: ['audit/start', 'audit/stop'] },
    shows:
      'When a process began to write the log and by which policy; when it ended and why (data.ended_by). This log has no pause.',
    cannot:
      'A stop by a kill that left no time to write: the next start of that file then says that no stop stands before it (data.previous). Nor that a process ran without a log.',
    elsewhere: 'The logs of the process manager: when each process ran.',
  },
  {
    id: 'system-objects',
    title: 'System-level objects created and deleted',
    asked: { pci: ['10.2.1.7'] },
    shows: 'Nothing: no operation of an MCP client shows that a system-level object was created or deleted.',
    cannot: 'Any of it. What a tool did on its server is not in the record of the call.',
    elsewhere: 'The audit of the operating system, of the databases, and of the servers that tools run on.',
  },
  {
    id: 'record-content',
    title: 'Content of a record',
    asked: { pci: ['10.2.2'], hipaa: ['164.312(b)'], iso: ['A.8.15'], nist: ['AU-3'] },
    query: {},
    shows:
      'Who, what type of event, when, success or failure, and the resource, in each record: a line that lacks one of them is no whole record, and is named as such. Where it originated, as far as the record names the service, the host and the process.',
    cannot: 'That an actor is who the application says it is.',
    elsewhere: 'How the application authenticates the actors that it names.',
  },
  {
    id: 'unique-actors',
    title: 'Unique identification of actors',
    asked: { pci: ['8.2.1'], hipaa: ['164.312(a)(2)(i)'], soc2: ['CC6.1'], iso: ['A.5.16'], nist: ['IA-2'] },
    query: { event: ['login,mcp_initialize,transport_connect'] },
    shows: 'The actor and its kind (user, agent, service) of each session that was opened.',
    cannot: 'That an id belongs to one person, and that the person was authenticated.',
    elsewhere: 'The directory, and the records of the identity provider.',
  },
  {
    id: 'tamper-evidence',
    title: 'Protection against change',
    asked: {
      pci: ['10.3.4'],
      soc2: ['CC7.2'],
      iso: ['A.5.28', 'A.5.33'],
      nist: ['AU-9(3)'],
    },
    shows:
      'The slice of the log in this bundle leads to a signed checkpoint; anyone can check that with the public key, offline.',
    cannot:
      'A rewrite by one who holds both the log and its key, unless a checkpoint was kept elsewhere (an anchor). Nor whether the data that operations touched was altered: 164.312(c) of HIPAA asks that of the systems that hold health information.',
    elsewhere: "That 'verify' is run on a schedule, and that its findings raise an alert.",
  },
  {
    id: 'failures-of-logging',
    title: 'Failures of the log itself',
    asked: { pci: ['10.7.2', '10.7.3'], soc2: ['CC7.2'], iso: ['A.8.15'], nist: ['AU-5'] },
    query: { gaps: true },
    shows:
      'Gap records with their count, time and cause, and operations whose outcome nobody saw; holes in the order are counted beside.',
    cannot: 'That somebody was alerted and responded.',
    elsewhere: 'The alerts on the metrics of the log, and your incident records.',
  },
  {
    id: 'time',
    title: 'Time',
    asked: { nist: ['AU-8'] },
    query: {},
    shows:
      'UTC time in milliseconds and a monotonic duration for each record, and an order (seq) that does not hang on the clock.',
    cannot:
      'That the clock of the host was synchronised and its settings protected, as 10.6 of PCI DSS and A.8.17 of ISO 27001 ask.',
    elsewhere: 'The configuration and the logs of the time service on the host.',
  },
  {
    id: 'changed-tools',
    title: 'Changes of tool definitions',
    asked: { soc2: ['CC7.1', 'CC8.1'], iso: ['A.8.9', 'A.8.32'], nist: ['CM-3'] },
    query: { resource: ['audit/tool-changed'] },
    shows:
      'Each tool whose definition changed after the client had first seen it, with what the definition said before and says now (results/tool-changes.txt), as far as records of the period keep both.',
    cannot: 'Whether the change was approved, and what changed behind a definition that stayed the same.',
    elsewhere: 'The change records of whoever runs the server.',
  },
  {
    id: 'review',
    title: 'Review',
    asked: {
      pci: ['10.4.1'],
      hipaa: ['164.308(a)(1)(ii)(D)'],
      soc2: ['CC7.2', 'CC7.3'],
      iso: ['A.8.15', 'A.8.16'],
      nist: ['AU-6', 'AU-7'],
    },
    query: { outcome: ['failure,partial,unknown'] },
    shows: 'Whatever did not plainly succeed, and the report in this bundle, which keeps content and order.',
    cannot: 'That somebody looked at it, and what they made of it.',
    elsewhere: 'The records of the reviews: dates, names, tickets.',
  },
  {
    id: 'redaction',
    title: 'Secrets and card numbers kept out',
    asked: { pci: ['3.3.1', '3.5.1'], iso: ['A.8.11'], nist: ['AU-3(3)'] },
    query: { contains: ['[REDACTED'] },
    shows: 'The records in which a value was masked before it was written.',
    cannot:
      'That no secret is left which no rule of the redaction policy knows, and what the systems beside this log store. Values that a keyed hash replaced are found with --contains hmac-sha256.',
    elsewhere: 'A search for card numbers through all stores in scope.',
  },
  {
    id: 'retention',
    title: 'Retention',
    asked: { pci: ['10.5.1'], hipaa: ['164.316(b)(2)(i)'], iso: ['A.5.33'], nist: ['AU-11'] },
    shows: 'The earliest and the latest record of each log: nothing is deleted by default.',
    cannot: 'That older logs are kept where this command was not pointed at.',
    elsewhere: 'The retention policy, and the settings of the storage.',
  },
  {
    id: 'file-protection',
    title: 'Protection of the log files',
    asked: {
      pci: ['10.3.1', '10.3.2', '10.3.3'],
      soc2: ['CC6.1'],
      iso: ['A.5.33'],
      nist: ['AU-9', 'AU-9(2)'],
    },
    shows: 'Nothing by itself: file modes and copies on other hosts are seen on the host, not in the log.',
    cannot: 'Who can read or write the files, and whether a copy is kept off the host.',
    elsewhere: 'File modes and accounts on the host, and the settings of the backup or the log server.',
  },
];

/** What is said of a control whose query found nothing. */
export const NOTHING_FOUND = 'Nothing here: no record of the period answers the query.';

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
