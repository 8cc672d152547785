import { OPTIONS, PAGES } from './tables.js';
import type { OptionSet } from './option.js';

/** What an error can name beside an option of a log, a sink or a policy, by its first part or a prefix that ends in `*`. */
const PARTS: Readonly<Record<string, string>> = {
  'OTEL_*': 'docs/register.md',
  '--*': 'docs/cli.md',
  'otel-mcp-log/*': 'docs/runtimes.md',
  'LOKRYN_*': 'docs/sinks.md',
  actorFromBaggage: 'docs/identity.md',
  actorFromSpan: 'docs/identity.md',
  audit: PAGES.AuditedOptions,
  audited: PAGES.AuditedOptions,
  client: 'docs/capture.md',
  FieldNotesSink: PAGES.FieldNotesSinkOptions,
  FileSink: PAGES.FileSinkOptions,
  HttpSink: PAGES.HttpSinkOptions,
  lifecycle: PAGES.LifecycleOptions,
  McpInstrumentation: PAGES.McpInstrumentationConfig,
  OtlpLogSink: PAGES.OtlpLogSinkOptions,
  redaction: PAGES.RedactionOptions,
  retrying: PAGES.RetryOptions,
  spool: PAGES.SpoolOptions,
  StdoutSink: PAGES.StdoutSinkOptions,
};

/** The sets whose options errors name without a part before them. */
const BARE = ['AuditOptions', 'RedactionOptions', 'FileSinkOptions'] as const;

/** The page that explains an option, from the top of the project. */
export function pageOf(option: string): string {
  const [first = ''] = option.split(/[.[]/);
  for (const [part, page] of Object.entries(PARTS))
    if (part.endsWith('*') ? first.startsWith(part.slice(0, -1)) : part === first) return page;
  for (const set of BARE) {
    const options: OptionSet = OPTIONS[set];
    if (Object.hasOwn(options, first)) return options[first]?.page ?? PAGES[set];
  }
  return PAGES.AuditOptions;
}
