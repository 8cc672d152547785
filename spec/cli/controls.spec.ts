import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTROLS, NOTHING_FOUND, queryWords } from '../../lib/cli/evidence/controls.js';
import type { BundleFindings } from '../../lib/cli/evidence/manifest.js';
import { encodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { unzipSync } from 'fflate';
import { runCli } from '../support/builtCli.js';
import { runCommand } from '../support/runCommand.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** What happened, for each control that has a query: a record that speaks of it. */
const FACTS: Readonly<Record<string, Partial<AuditRecord>>> = {
  'every-operation': {},
  'access-to-data': { event_type: 'EVENT_CONTEXT_ACCESS', resource: 'file:///srv/data/7.json' },
  administrators: { event_type: 'EVENT_PRIVILEGE_USE', resource: 'billing/refund' },
  'log-access': { event_type: 'EVENT_RESOURCE_ACCESS', resource: 'audit/read' },
  'refused-access': { outcome: 'OUTCOME_FAILURE_UNAUTHORIZED', severity: 'SEVERITY_WARNING' },
  'log-lifecycle': { event_type: 'EVENT_CONFIG_CHANGE', resource: 'audit/start' },
  'record-content': {},
  'unique-actors': { event_type: 'EVENT_LOGIN', resource: 'session/initialize' },
  'failures-of-logging': {
    event_type: 'EVENT_CONFIG_CHANGE',
    resource: 'audit/gap',
    outcome: 'OUTCOME_FAILURE_ERROR',
    data: { count: 3 },
  },
  time: {},
  'changed-tools': { event_type: 'EVENT_CONFIG_CHANGE', resource: 'audit/tool-changed' },
  approvals: { event_type: 'EVENT_GUARDRAIL_CHECK', resource: 'audit/approval' },
  deletions: { event_type: 'EVENT_CONFIG_CHANGE', resource: 'audit/retention' },
  review: { outcome: 'OUTCOME_PARTIAL' },
  redaction: { data: { password: '[REDACTED]' } },
};

/** What speaks of no control but for those that every record speaks of: a ping. */
const ORDINARY: Partial<AuditRecord> = { event_type: 'EVENT_MCP_PING', resource: 'session/ping' };

describe('controls', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  before(() => {
    folder = temporaryFolder();
  });
  after(() => folder.remove());

  function put(name: string, ...changes: Partial<AuditRecord>[]): string {
    const path = join(folder.path, name);
    const lines = changes.map((change, index) => `${encodeLine(sampleRecord(index, change))}\n`);
    writeFileSync(path, lines.join(''));
    return path;
  }
  /** The words of a command line, without their quotes. */
  const words = (line: string) =>
    (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'));

  for (const { id, query, asked } of CONTROLS) {
    if (query === undefined) continue;
    it(`finds with the query of ‘${id}’, as one types it, the fact and nothing else`, async () => {
      const fact = FACTS[id];
      expect(fact, 'a fact in this spec').to.not.equal(undefined);
      const isAny = Object.keys(query).length === 0;
      const log = put('with.jsonl', ORDINARY, fact!, ORDINARY);
      const found = await runCommand(['query', ...words(queryWords(query, {})), log]);
      const wanted = [ORDINARY, fact!, ORDINARY].map(
        (change, index) => `${encodeLine(sampleRecord(index, change))}\n`,
      );
      expect(found.out).to.equal(isAny ? wanted.join('') : wanted[1]);
      const none = await runCommand([
        'query',
        '-c',
        ...words(queryWords(query, {})),
        put('without.jsonl', ORDINARY),
      ]);
      expect(none.out).to.equal(isAny ? '1\n' : '0\n');
      expect(Object.keys(asked).length).to.be.greaterThan(0);
    });
  }

  for (const framework of ['pci', 'nist', 'aiact', 'sec'] as const)
    it(`show in a bundle for ${framework} what the log shows, and nothing where it shows nothing`, async () => {
      const facts = put('facts.jsonl', ...Object.values(FACTS));
      const [full, bare] = [
        await findings(framework, facts),
        await findings(framework, put('bare.jsonl', ORDINARY)),
      ];
      for (const control of CONTROLS.filter(({ asked }) => asked[framework] !== undefined)) {
        const { id } = control;
        const isFact = control.query !== undefined && Object.keys(control.query).length > 0;
        const inBare = bare.controls.find((each) => each.id === id)!;
        const inFull = full.controls.find((each) => each.id === id)!;
        expect(inBare.shows === NOTHING_FOUND, `${id} without the fact`).to.equal(isFact);
        expect(inFull.shows, `${id} with the fact`).not.to.equal(NOTHING_FOUND);
        expect(inFull.requirements.length).to.equal(inFull.asks.filter((text) => text.length > 10).length);
        expect(inFull.elsewhere).to.equal(control.elsewhere);
      }
    });

  async function findings(framework: string, log: string): Promise<BundleFindings> {
    const { code, bytes } = await runCli(['evidence', '--framework', framework, '-o', '-', log]);
    expect(code).to.equal(0);
    return JSON.parse(Buffer.from(unzipSync(bytes)['evidence.json']!).toString()) as BundleFindings;
  }
});
