/** The documentation's pages, each with the options that it explains: by the option's first part, or a prefix that ends in `*`. */
const PAGES: Readonly<Record<string, readonly string[]>> = {
  'docs/register.md': ['OTEL_MCP_LOG_*', 'OTEL_*'],
  'docs/cli.md': ['--*'],
  'docs/runtimes.md': ['otel-mcp-log/*'],
  'docs/redaction.md': [
    ...['redaction', 'redactPatterns', 'includeOutputs', 'defaults', 'custom', 'limits', 'levels'],
    ...['tools', 'uriPath', 'hmacKey', 'recordMeta'],
  ],
  'docs/delivery.md': [
    ...['mode', 'acks', 'requiredSinks', 'sinkTimeoutMs', 'maxQueue', 'overflow', 'maxBatch', 'lingerMs'],
    'maxRetryAfterMs',
    ...['lifecycle'],
  ],
  'docs/sinks.md': [
    ...[
      'sink',
      'sinks',
      'StdoutSink',
      'FileSink',
      'HttpSink',
      'FieldNotesSink',
      'OtlpLogSink',
      'spool',
      'retrying',
    ],
    ...[
      'path',
      'base',
      'fsync',
      'fsyncIntervalMs',
      'rotate',
      'widerMode',
      'reopenOnSighup',
      'checkIntervalMs',
    ],
    ...['staleLockMs', 'accessLog'],
    ...['onNotice', 'LOKRYN_*'],
  ],
  'docs/integrity.md': ['integrity'],
  'docs/identity.md': [
    'actorId',
    'actorType',
    'requireActor',
    'tenantId',
    'actorFromSpan',
    'actorFromBaggage',
  ],
  'docs/capture.md': ['client', 'propagate'],
  'docs/decorators.md': ['audit', 'audited'],
  'docs/tool-fingerprints.md': ['toolState', 'onToolChanged'],
};

/** Where everything else is: the table of all options. */
const ALL_OPTIONS = 'docs/options.md';

/** The page that explains an option, from the top of the project. */
export function pageOf(option: string): string {
  const [first = ''] = option.split(/[.[]/);
  for (const [page, names] of Object.entries(PAGES))
    for (const name of names)
      if (name.endsWith('*') ? first.startsWith(name.slice(0, -1)) : name === first) return page;
  return ALL_OPTIONS;
}
