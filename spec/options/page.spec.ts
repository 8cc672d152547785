import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { VARIABLES, PREFIX } from '../../lib/environment/variables.js';
import { ConfigError } from '../../lib/errors.js';
import type { OptionSet } from '../../lib/options/option.js';
import { OPTIONS } from '../../lib/options/tables.js';

/** The options of a log, by the names that they have today. */
const NAMES = Object.entries<OptionSet[string]>(OPTIONS.AuditOptions)
  .filter(([, { renamedTo }]) => renamedTo === undefined)
  .map(([name]) => name);

/** One option of each page, as its ConfigError names it; nested ones by the last name. */
const NESTED = {
  mode: 'docs/delivery.md',
  propagate: 'docs/capture.md',
  fsyncIntervalMs: 'docs/sinks.md',
  'rotate.compress': 'docs/sinks.md',
  'HttpSink.batch.framing': 'docs/sinks.md',
  'FieldNotesSink.requestsPerSecond': 'docs/sinks.md',
  'spool.maxBytes': 'docs/sinks.md',
  'retrying.timeoutMs': 'docs/sinks.md',
  'sinks[1].exportTimeoutMillis': 'docs/sinks.md',
  'integrity.origin': 'docs/integrity.md',
  'limits.depth': 'docs/redaction.md',
  'tools.pay': 'docs/redaction.md',
  'lifecycle.signals': 'docs/delivery.md',
  'audited.eventType': 'docs/decorators.md',
  'policyTags[2]': 'docs/options.md',
  'otel-mcp-log/hook': 'docs/runtimes.md',
  '--origin': 'docs/cli.md',
};

describe('the page that a ConfigError names', () => {
  for (const option of [...NAMES, ...[...VARIABLES.keys()].map((name) => PREFIX + name)])
    it(`explains ${option}`, () => {
      const { page, message } = new ConfigError(option, 'cannot work');
      expect(message).to.equal(`${option}: cannot work (see ${page})`);
      expect(textOf(page)).to.include(`\`${option}\``);
    });

  for (const [option, page] of Object.entries(NESTED))
    it(`for ${option} is ${page}`, () => {
      expect(new ConfigError(option, 'cannot work').page).to.equal(page);
      const name = option
        .replace(/\[.*?\]/g, '')
        .split('.')
        .at(-1)!;
      if (!option.startsWith('tools.')) expect(textOf(page)).to.include(name);
    });

  function textOf(page: string): string {
    return readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  }
});
