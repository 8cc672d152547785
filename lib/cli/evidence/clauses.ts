/** The frameworks that evidence can be gathered for. */
export const FRAMEWORKS = ['pci', 'hipaa', 'soc2', 'iso', 'nist'] as const;
/** One of them. */
export type Framework = (typeof FRAMEWORKS)[number];

/** What each framework is called. */
export const FRAMEWORK_TITLES: Readonly<Record<Framework, string>> = {
  pci: 'PCI DSS 4.0.1',
  hipaa: 'HIPAA Security Rule (45 CFR 164)',
  soc2: 'SOC 2, Trust Services Criteria (2017)',
  iso: 'ISO/IEC 27001:2022, Annex A',
  nist: 'NIST SP 800-53 Rev. 5',
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
} as const satisfies Readonly<Record<Framework, Readonly<Record<string, string>>>>;
