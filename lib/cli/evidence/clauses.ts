import type { FilterOptions } from '../query/filter.js';

/** The frameworks that evidence can be gathered for. */
export const FRAMEWORKS = [
  'pci',
  'hipaa',
  'soc2',
  'iso',
  'nist',
  'fedramp',
  'aiact',
  'airmf',
  'iso42001',
  'dora',
  'sec',
] as const;
/** One of them. */
export type Framework = (typeof FRAMEWORKS)[number];

/** What each framework is called. */
export const FRAMEWORK_TITLES: Readonly<Record<Framework, string>> = {
  pci: 'PCI DSS 4.0.1',
  hipaa: 'HIPAA Security Rule (45 CFR 164)',
  soc2: 'SOC 2, Trust Services Criteria (2017)',
  iso: 'ISO/IEC 27001:2022, Annex A',
  nist: 'NIST SP 800-53 Rev. 5',
  fedramp: 'FedRAMP Rev. 5, AU family',
  aiact: 'EU AI Act, Regulation (EU) 2024/1689',
  airmf: 'NIST AI RMF 1.0',
  iso42001: 'ISO/IEC 42001:2023, Annex A',
  dora: 'DORA, Delegated Regulation (EU) 2024/1774, Article 12',
  sec: 'SEC Rule 17a-4(f) (17 CFR 240.17a-4)',
};

/** Where the text of each is published. */
export const FRAMEWORK_SOURCES: Readonly<Record<Framework, string>> = {
  pci: 'https://www.pcisecuritystandards.org/document_library/',
  hipaa: 'https://www.ecfr.gov/current/title-45/part-164/subpart-C',
  soc2: 'https://www.aicpa-cima.com/resources/download/2017-trust-services-criteria-with-revised-points-of-focus-2022',
  iso: 'https://www.iso.org/standard/27001',
  nist: 'https://doi.org/10.6028/NIST.SP.800-53r5',
  fedramp: 'https://github.com/GSA/fedramp-automation/tree/master/dist/content/rev5/baselines',
  aiact: 'https://eur-lex.europa.eu/eli/reg/2024/1689/oj',
  airmf: 'https://doi.org/10.6028/NIST.AI.100-1',
  iso42001: 'https://www.iso.org/standard/42001',
  dora: 'https://eur-lex.europa.eu/eli/reg_del/2024/1774/oj',
  sec: 'https://www.ecfr.gov/current/title-17/section-240.17a-4',
};

/** What each cited clause asks for, in our words and in short. The text of the framework is what counts. */
export const CLAUSES = {
  pci: {
    '3.3.1': 'no sensitive authentication data is kept after authorization',
    '3.5.1': 'card numbers are unreadable wherever they are stored',
    '8.2.1': 'every user has an ID of their own before they get access',
    '10.2.1': 'audit logs are on for all system components and cardholder data',
    '10.2.1.1': 'what each user accesses of cardholder data is logged',
    '10.2.1.2':
      'what anyone with administrative access does is logged, interactive use of application and system accounts too',
    '10.2.1.3': 'all access to audit logs is logged',
    '10.2.1.4': 'invalid attempts at logical access are logged',
    '10.2.1.5': 'changes of credentials, accounts and privileges are logged',
    '10.2.1.6': 'the beginning of a new audit log, and starts, stops and pauses of one, are logged',
    '10.2.1.7': 'creating and deleting system-level objects is logged',
    '10.2.2':
      'each event says who, what type, when, success or failure, where it originated, and on which data, component, resource or service',
    '10.3.1': 'only those read audit logs whose work needs it',
    '10.3.2': 'nobody can modify audit logs',
    '10.3.3': 'audit logs are backed up promptly to a central or otherwise safe place',
    '10.3.4': 'a change of existing log data is noticed and raises an alert',
    '10.4.1': 'the logs are reviewed at least once a day',
    '10.5.1': 'logs are kept for twelve months, the last three at hand',
    '10.6.1': 'clocks are synchronized',
    '10.7.2':
      'failures of critical security controls, audit logging among them, are detected, alerted and addressed',
    '10.7.3': 'such failures are answered, and their duration and cause are documented',
  },
  hipaa: {
    '164.308(a)(1)(ii)(D)': 'records of system activity, such as audit logs, are reviewed regularly',
    '164.308(a)(5)(ii)(C)': 'log-in attempts are monitored, and discrepancies reported',
    '164.312(a)(2)(i)': 'each user has a unique name or number by which they are tracked',
    '164.312(b)': 'activity in systems with electronic health information is recorded and examined',
    '164.316(b)(2)(i)': 'required documentation is kept for six years',
  },
  soc2: {
    'CC6.1': 'logical access to protected information is controlled',
    'CC7.1': 'changes of configuration that bring new vulnerabilities are detected',
    'CC7.2': 'components are monitored for anomalies, which are analysed',
    'CC7.3': 'security events are evaluated',
    'CC8.1': 'changes are authorized, tested and approved',
  },
  iso: {
    'A.5.28': 'evidence of security events is identified, collected and preserved',
    'A.5.33': 'records are protected from loss, destruction, falsification and unauthorized access',
    'A.5.16': 'identities are managed from their beginning to their end',
    'A.8.2': 'privileged access is restricted and managed',
    'A.8.3': 'access to information is restricted as the policy says',
    'A.8.9': 'configurations are established, documented, monitored and reviewed',
    'A.8.11': 'data is masked as the policy and the law demand',
    'A.8.15':
      'logs of activities, exceptions, faults and other events are produced, kept, protected and analysed',
    'A.8.16': 'systems are monitored for anomalous behaviour, and it is acted upon',
    'A.8.17': 'clocks are synchronized to approved sources of time',
    'A.8.32': 'changes follow a procedure',
  },
  nist: {
    'AC-3': 'access is enforced as authorized',
    'AC-6(9)': 'privileged functions are logged when they are executed',
    'AU-2': 'it is settled which types of events are logged',
    'AU-3': 'a record says what, when, where, from which source, with which outcome, and who',
    'AU-3(3)': 'records hold no more personal data than needed',
    'AU-5': 'failures of logging raise an alert and are acted upon',
    'AU-6': 'records are reviewed, analysed and reported',
    'AU-7': 'records can be searched and reported on without a change of content or order',
    'AU-8': 'records carry times of the system clock, in UTC or with an offset',
    'AU-9': 'audit information is protected from access, change and deletion',
    'AU-9(2)': 'audit records are stored on another system',
    'AU-9(3)': 'cryptography protects the integrity of audit information',
    'AU-11': 'audit records are kept as long as the policy says',
    'AU-12': 'components can and do generate the records that were settled on',
    'CM-3': 'changes of configuration are proposed, approved, documented and reviewed',
    'IA-2': 'users, and what acts for them, are uniquely identified and authenticated',
  },
  fedramp: {
    'AU-1': 'a policy and procedures for auditing exist; procedures are reviewed every year',
    'AU-2':
      'it is settled which types of events are logged; of web applications: activity of administrators, checks of authentication and authorization, and access to, changes and deletions of data and permissions',
    'AU-3': 'a record says what, when, where, from which source, with which outcome, and who',
    'AU-3(1)':
      'records also say how long a session or operation took, how many bytes went each way, and which object was acted upon',
    'AU-4': 'there is room for as many records as are to be kept',
    'AU-5': 'failures of logging raise an alert and are acted upon',
    'AU-5(1)': 'a warning is given when the room for records is 75% full (High)',
    'AU-5(2)': 'failures that call for it raise an alert in real time (High)',
    'AU-6': 'records are reviewed at least once a week, and findings reported',
    'AU-6(1)': 'review, analysis and reporting are integrated by automated means',
    'AU-6(3)': 'records of different repositories are correlated',
    'AU-6(4)': 'records of several components can be reviewed in one place (High)',
    'AU-6(5)': 'analysis takes in scans, performance data and other sources (High)',
    'AU-6(6)': 'records are correlated with the monitoring of physical access (High)',
    'AU-6(7)': 'it is settled who may do what in the review of records (High)',
    'AU-7': 'records can be searched and reported on without a change of content or order',
    'AU-7(1)': 'records can be processed, sorted and searched by their fields',
    'AU-8': 'records carry times of the system clock, to the second, in UTC or with an offset',
    'AU-9': 'audit information is protected from access, change and deletion, which raise an alert',
    'AU-9(2)': 'records are stored at least weekly on another system (High)',
    'AU-9(3)': 'cryptography protects the integrity of audit information (High)',
    'AU-9(4)': 'only some privileged users manage the logging',
    'AU-10':
      'there is irrefutable evidence of who added, modified, deleted, approved, sent or received data (High)',
    'AU-11': 'records are kept online for ninety days, and in all as long as M-21-31 demands',
    'AU-12': 'all components that can generate the records that were settled on do so',
    'AU-12(1)': 'records of all components make one trail, in the order of time (High)',
    'AU-12(3)': 'those who are authorized can change what is logged (High)',
  },
  aiact: {
    '12(1)': 'high-risk systems can record events automatically over their lifetime',
    '12(2)(a)': 'events are recorded by which risks and substantial modifications are identified',
    '12(2)(b)': 'events are recorded that serve the monitoring after the system is on the market',
    '12(2)(c)': 'events are recorded by which deployers monitor the operation',
    '12(3)':
      'of remote biometric identification: the period of each use, the reference database, the input that matched, and who verified the result',
    '19(1)':
      'providers keep the logs under their control as long as the purpose demands, six months at least',
    '26(2)': 'persons with competence, training, authority and support oversee the system',
    '26(5)': 'deployers monitor the operation, and report risks and serious incidents',
    '26(6)':
      'deployers keep the logs under their control as long as the purpose demands, six months at least',
  },
  airmf: {
    'GOVERN 1.5': 'monitoring and review of the risk management are planned, with roles and intervals',
    'MAP 3.5': 'processes of human oversight are defined, assessed and documented',
    'MEASURE 2.4': 'how the system and its components work is monitored in production',
    'MEASURE 2.7': 'security and resilience are evaluated and documented',
    'MEASURE 2.8': 'risks to transparency and accountability are examined and documented',
    'MEASURE 2.10': 'risks to privacy are examined and documented',
    'MEASURE 3.1': 'risks, also new ones, are identified and tracked by how the system does in use',
    'MANAGE 3.1': 'risks of what third parties provide are monitored, and controlled',
    'MANAGE 4.1':
      'plans for monitoring after deployment are carried out: appeal and override, incidents, recovery, changes',
    'MANAGE 4.3': 'incidents and errors are communicated, tracked and documented',
  },
  iso42001: {
    'A.6.2.6': 'operation and performance of the AI system are monitored',
    'A.6.2.8':
      'it is settled in which phases of its life an AI system keeps event logs, at least while it is in use',
  },
  dora: {
    '12(2)(a)': 'the events to log, how long logs are kept, and how they are secured are settled',
    '12(2)(b)': 'logs are detailed enough for anomalies to be detected',
    '12(2)(c)(i)': 'events of access control and identity management are logged',
    '12(2)(c)(ii)': 'events of capacity management are logged',
    '12(2)(c)(iii)': 'events of change management are logged',
    '12(2)(c)(iv)': 'events of operations, activities of systems among them, are logged',
    '12(2)(c)(v)': 'events of network traffic and network performance are logged',
    '12(2)(d)': 'logs are protected against tampering, deletion and unauthorised access',
    '12(2)(e)': 'a failure of logging is detected',
    '12(2)(f)': 'clocks are synchronised to a documented and reliable source of time',
    '12(3)': 'how long logs are kept follows from objectives, their purpose and the risk assessment',
  },
  sec: {
    '(f)(2)(i)(A)':
      'a record is kept with a complete, time-stamped trail of what modified or deleted it, when and by whom, so that the original can be made again; or as (B) says',
    '(f)(2)(i)(B)': 'records are kept only where they cannot be rewritten or erased; or as (A) says',
    '(f)(2)(ii)': 'that storing and retaining are complete and accurate is verified automatically',
    '(f)(2)(iv)': 'a record and its trail can be downloaded, for people to read and for programs to use',
    '(f)(2)(v)': 'there is a backup system, or another redundancy',
  },
} as const satisfies Readonly<Record<Framework, Readonly<Record<string, string>>>>;

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

/** What frameworks ask and no log of this kind shows: an assessor needs other evidence, and is told which. */
export const BEYOND_THE_LOG: readonly Control[] = [
  {
    id: 'credentials',
    title: 'Changes of credentials and accounts',
    asked: { pci: ['10.2.1.5'], fedramp: ['AU-2'], dora: ['12(2)(c)(i)'] },
    shows:
      'Nothing: no operation of an MCP client shows that a credential, an account or a privilege was changed.',
    cannot:
      'Any of it. The record of a tool call says what a server was asked and what it answered, not what became of it.',
    elsewhere: 'The audit logs of the identity provider, the directory and the hosts.',
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
    id: 'clock-synchronisation',
    title: 'Synchronised clocks',
    asked: { pci: ['10.6.1'], iso: ['A.8.17'], dora: ['12(2)(f)'] },
    shows: 'Nothing: a record has the time of its host, and nothing tells whether that was right.',
    cannot: 'Any of it. That times and order agree in a log does not make them true.',
    elsewhere: 'The configuration and the logs of the time service on each host.',
  },
  {
    id: 'file-protection',
    title: 'Protection of the log files',
    asked: {
      pci: ['10.3.1', '10.3.2', '10.3.3'],
      soc2: ['CC6.1'],
      iso: ['A.5.33'],
      nist: ['AU-9', 'AU-9(2)'],
      fedramp: ['AU-9', 'AU-9(2)'],
      dora: ['12(2)(d)'],
      sec: ['(f)(2)(i)(B)', '(f)(2)(v)'],
    },
    shows: 'Nothing by itself: file modes and copies on other hosts are seen on the host, not in the log.',
    cannot: 'Who can read or write the files, and whether a copy is kept off the host.',
    elsewhere: 'File modes and accounts on the host, and the settings of the backup or the log server.',
  },
  {
    id: 'capacity-and-network',
    title: 'Capacity and network traffic',
    asked: { fedramp: ['AU-4', 'AU-5(1)'], dora: ['12(2)(c)(ii)', '12(2)(c)(v)'] },
    shows: 'Nothing: neither the room for records nor the traffic of the network is in the log.',
    cannot: 'Any of it. The duration of an operation says little of the network, and nothing of the storage.',
    elsewhere:
      'The monitoring of storage and network, and its alerts; the metrics of the log, which count what waits.',
  },
  {
    id: 'biometric-uses',
    title: 'Uses of remote biometric identification',
    asked: { aiact: ['12(3)'] },
    shows:
      'Nothing by itself: a call of a tool has its time, its duration and its arguments after redaction, and none of them is marked as such a use.',
    cannot:
      'The reference database, the input that led to a match, and who verified the result, unless your own code puts them on record with audit().',
    elsewhere: 'The logs of the identification system itself.',
  },
  {
    id: 'policies',
    title: 'Policies, roles and permissions',
    asked: {
      fedramp: ['AU-1', 'AU-6(7)', 'AU-9(4)', 'AU-12(3)'],
      airmf: ['GOVERN 1.5'],
    },
    shows: 'Nothing: who may read, change or review the log, and by which policy, is settled outside of it.',
    cannot: 'Any of it.',
    elsewhere: 'The policies and procedures themselves, their reviews, and the accounts on the hosts.',
  },
];
