import type { FilterOptions } from '../query/filter.js';
import { BEYOND_THE_LOG, type Framework, type Control } from './clauses.js';

/** The controls that records, or the log itself, speak of. */
const BY_THE_LOG: readonly Control[] = [
  {
    id: 'every-operation',
    title: 'A record per operation',
    asked: {
      pci: ['10.2.1'],
      hipaa: ['164.312(b)'],
      soc2: ['CC7.2'],
      iso: ['A.8.15'],
      nist: ['AU-2', 'AU-12'],
      fedramp: ['AU-2', 'AU-12'],
      aiact: ['12(1)', '12(2)(c)'],
      airmf: ['MEASURE 2.4'],
      iso42001: ['A.6.2.8'],
      dora: ['12(2)(c)(iv)'],
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
    asked: {
      pci: ['10.2.1.1'],
      hipaa: ['164.312(b)'],
      soc2: ['CC6.1'],
      iso: ['A.8.15'],
      nist: ['AU-2'],
      fedramp: ['AU-2'],
      aiact: ['12(2)(c)'],
      airmf: ['MEASURE 2.4'],
      iso42001: ['A.6.2.8'],
      dora: ['12(2)(c)(i)'],
    },
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
    asked: { pci: ['10.2.1.2'], iso: ['A.8.2'], nist: ['AC-6(9)'], fedramp: ['AU-2'], dora: ['12(2)(c)(i)'] },
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
    asked: {
      pci: ['10.2.1.3'],
      hipaa: ['164.312(b)'],
      iso: ['A.8.15'],
      nist: ['AU-9'],
      fedramp: ['AU-9'],
      dora: ['12(2)(d)'],
    },
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
      fedramp: ['AU-2'],
      aiact: ['12(2)(a)'],
      airmf: ['MEASURE 2.7'],
      dora: ['12(2)(c)(i)'],
    },
    query: { outcome: ['denied,unauthorized'] },
    shows:
      'Every operation that a server or a local policy refused, for want of a right or of a valid login.',
    cannot: 'Attempts that never reached an audited client, and log-ins of people at other systems.',
    elsewhere: 'The logs of the identity provider, and of each server, for attempts by other clients.',
  },
  {
    id: 'log-lifecycle',
    title: 'Start and stop of the log',
    asked: {
      pci: ['10.2.1.6'],
      nist: ['AU-12'],
      fedramp: ['AU-12'],
      aiact: ['12(1)'],
      iso42001: ['A.6.2.8'],
      dora: ['12(2)(e)'],
    },
    query: { resource: ['audit/start', 'audit/stop'] },
    shows:
      'When a process began to write the log and by which policy; when it ended and why (data.ended_by). This log has no pause.',
    cannot:
      'A stop by a kill that left no time to write: the next start of that file then says that no stop stands before it (data.previous). Nor that a process ran without a log.',
    elsewhere: 'The logs of the process manager: when each process ran.',
  },
  {
    id: 'record-content',
    title: 'Content of a record',
    asked: {
      pci: ['10.2.2'],
      hipaa: ['164.312(b)'],
      iso: ['A.8.15'],
      nist: ['AU-3'],
      fedramp: ['AU-3', 'AU-3(1)'],
      aiact: ['12(2)(b)'],
      airmf: ['MEASURE 2.8'],
      iso42001: ['A.6.2.8'],
      dora: ['12(2)(b)'],
    },
    query: {},
    shows:
      'Who, what type of event, when, success or failure, and the resource, in each record: a line that lacks one of them is no whole record, and is named as such. Where it originated, as far as the record names the service, the host and the process.',
    cannot:
      'That an actor is who the application says it is; nor how many bytes went each way, which AU-3(1) of FedRAMP asks.',
    elsewhere: 'How the application authenticates the actors that it names.',
  },
  {
    id: 'unique-actors',
    title: 'Unique identification of actors',
    asked: {
      pci: ['8.2.1'],
      hipaa: ['164.312(a)(2)(i)'],
      soc2: ['CC6.1'],
      iso: ['A.5.16'],
      nist: ['IA-2'],
      fedramp: ['AU-10'],
      airmf: ['MEASURE 2.8'],
      dora: ['12(2)(c)(i)'],
      sec: ['(f)(2)(i)(A)'],
    },
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
      fedramp: ['AU-9(3)'],
      dora: ['12(2)(d)'],
      sec: ['(f)(2)(i)(A)', '(f)(2)(ii)'],
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
    asked: {
      pci: ['10.7.2', '10.7.3'],
      soc2: ['CC7.2'],
      iso: ['A.8.15'],
      nist: ['AU-5'],
      fedramp: ['AU-5', 'AU-5(2)'],
      aiact: ['12(1)'],
      airmf: ['MANAGE 4.3'],
      iso42001: ['A.6.2.8'],
      dora: ['12(2)(e)'],
      sec: ['(f)(2)(ii)'],
    },
    query: { gaps: true },
    shows:
      'Gap records with their count, time and cause, and operations whose outcome nobody saw; holes in the order are counted beside.',
    cannot: 'That somebody was alerted and responded.',
    elsewhere: 'The alerts on the metrics of the log, and your incident records.',
  },
  {
    id: 'time',
    title: 'Time',
    asked: { nist: ['AU-8'], fedramp: ['AU-8', 'AU-12(1)'], sec: ['(f)(2)(i)(A)'] },
    query: {},
    shows:
      'UTC time in milliseconds and a monotonic duration for each record, and an order (seq) that does not hang on the clock.',
    cannot: 'That the clock of the host was synchronised and its settings protected.',
    elsewhere: 'The configuration and the logs of the time service on the host.',
  },
  {
    id: 'changed-tools',
    title: 'Changes of tool definitions',
    asked: {
      soc2: ['CC7.1', 'CC8.1'],
      iso: ['A.8.9', 'A.8.32'],
      nist: ['CM-3'],
      aiact: ['12(2)(a)'],
      airmf: ['MANAGE 3.1'],
      dora: ['12(2)(c)(iii)'],
    },
    query: { resource: ['audit/tool-changed'] },
    shows:
      'Each tool whose definition changed after the client had first seen it, with what the definition said before and says now (results/tool-changes.txt), as far as records of the period keep both.',
    cannot: 'Whether the change was approved, and what changed behind a definition that stayed the same.',
    elsewhere: 'The change records of whoever runs the server.',
  },
  {
    id: 'approvals',
    title: 'Approvals by people',
    asked: { aiact: ['26(2)'], airmf: ['MAP 3.5'] },
    query: { resource: ['audit/approval'] },
    shows:
      'Each call that had to wait for a person: who decided, when, why, and whether it was let through (docs/approvals.md).',
    cannot:
      'That those who decide are competent and trained, that they understood what they were asked, and calls that no rule made wait.',
    elsewhere: 'Who is assigned to oversee the system, their training, and their instructions.',
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
      fedramp: ['AU-6', 'AU-6(1)', 'AU-6(3)', 'AU-6(4)', 'AU-6(5)', 'AU-6(6)', 'AU-7', 'AU-7(1)'],
      aiact: ['12(2)(b)', '26(5)'],
      airmf: ['MEASURE 3.1', 'MANAGE 4.1', 'MANAGE 4.3'],
      iso42001: ['A.6.2.6'],
      dora: ['12(2)(b)'],
      sec: ['(f)(2)(iv)'],
    },
    query: { outcome: ['failure,partial,unknown'] },
    shows: 'Whatever did not plainly succeed, and the report in this bundle, which keeps content and order.',
    cannot: 'That somebody looked at it, and what they made of it.',
    elsewhere: 'The records of the reviews: dates, names, tickets.',
  },
  {
    id: 'redaction',
    title: 'Secrets and card numbers kept out',
    asked: { pci: ['3.3.1', '3.5.1'], iso: ['A.8.11'], nist: ['AU-3(3)'], airmf: ['MEASURE 2.10'] },
    query: { contains: ['[REDACTED'] },
    shows: 'The records in which a value was masked before it was written.',
    cannot:
      'That no secret is left which no rule of the redaction policy knows, and what the systems beside this log store. Values that a keyed hash replaced are found with --contains hmac-sha256.',
    elsewhere: 'A search for card numbers through all stores in scope.',
  },
  {
    id: 'retention',
    title: 'Retention',
    asked: {
      pci: ['10.5.1'],
      hipaa: ['164.316(b)(2)(i)'],
      iso: ['A.5.33'],
      nist: ['AU-11'],
      fedramp: ['AU-11'],
      aiact: ['19(1)', '26(6)'],
      dora: ['12(2)(a)', '12(3)'],
      sec: ['(f)(2)(i)(A)'],
    },
    shows: 'The earliest and the latest record of each log: nothing is deleted by default.',
    cannot: 'That older logs are kept where this command was not pointed at.',
    elsewhere: 'The retention policy, and the settings of the storage.',
  },
  {
    id: 'deletions',
    title: 'Deletions on record',
    asked: {
      pci: ['10.5.1'],
      nist: ['AU-11'],
      fedramp: ['AU-11'],
      aiact: ['19(1)', '26(6)'],
      dora: ['12(2)(a)'],
      sec: ['(f)(2)(i)(A)'],
    },
    query: { resource: ['audit/retention', 'audit/erasure'] },
    shows:
      'Each part of a log that retention let go, with its range, root, reason and who ran it, and each person whose values were erased: where the journals of both (LOG.retention.jsonl, the log of erasures) are among the logs of this bundle.',
    cannot:
      'Deletions by any other program than this one. Nor can the original be made again from it: only an archive has that.',
    elsewhere: 'The archive of what was let go, and the audit of the storage.',
  },
];

/** The controls of docs/controls.md, in its order. */
export const CONTROLS: readonly Control[] = [...BY_THE_LOG, ...BEYOND_THE_LOG];

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
