import type { Control } from './control.js';

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
