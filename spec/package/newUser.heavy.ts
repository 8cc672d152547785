import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { installNodes, pack } from '../matrix/projects.js';
import { codeBlocks } from '../support/codeBlocks.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** The sections that somebody new goes through, word for word: up to the one with a program of the reader's own. */
const LAST = 'Quick start: not a line of code';
const NODES = ['20', '24'];
const CASES = [
  ['20', '2.x'],
  ['24', '2.x'],
  ['24', '3.x'],
] as const;

/** What the README says to do for OpenTelemetry 3.x: other packages, and no versions. */
function forLine(line: string, text: string): string {
  if (line === '2.x') return text;
  const renamed = text
    .replaceAll('@opentelemetry/sdk-trace-base', '@opentelemetry/sdk-trace')
    .replace(
      'new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: 1_000 }))',
      'new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ timeoutMillis: 1_000 }) })',
    );
  return renamed.replaceAll(/(@opentelemetry\/[a-z-]+)@[\d.]+/g, '$1');
}

describe('somebody new, in an empty folder, with the packed package and the README', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  let tarball: string;
  let nodes: Map<string, string>;

  before(() => {
    tarball = pack();
    mkdirSync(join(folder.path, 'nodes'));
    nodes = installNodes(join(folder.path, 'nodes'), NODES);
  });
  after(() => folder.remove());

  for (const [version, line] of CASES)
    it(`has two programs on record with Node ${version} and OpenTelemetry ${line}`, () => {
      const project = mkdtempSync(join(folder.path, `project-${version}-${line}-`));
      // What was fetched once is not asked for again: a registry that takes its time must not decide this.
      writeFileSync(join(project, '.npmrc'), 'prefer-offline=true\n');
      if (version === NODES[0])
        run(`npx -y @modelcontextprotocol/server-everything < /dev/null`, project, nodes.get(version)!);
      const resources: string[][] = [];
      for (const { language, text } of blocksOfTheBeginning()) {
        const name = /^\/\/ (\S+\.mjs)/.exec(text)?.[1];
        if (language === 'js' && name !== undefined) writeFileSync(join(project, name), forLine(line, text));
        if (language !== 'console') continue;
        for (const [, command] of text.matchAll(/^\$ (.*)$/gm)) {
          run(
            forLine(line, command!).replace('install otel-mcp-log ', `install ${tarball} `),
            project,
            nodes.get(version)!,
          );
          if (command!.startsWith('node ')) resources.push(newRecords(project, resources.flat().length));
        }
      }
      const withoutDefinitions = resources.map((each) =>
        each.filter((name) => name !== 'audit/tool-definition'),
      );
      expect(withoutDefinitions).to.deep.equal([
        ['audit/start', 'session/initialize', 'tools/echo', 'session/close', 'audit/stop'],
        ['audit/start', 'session/initialize', 'tools/list', 'session/close', 'audit/stop'],
      ]);
    });

  function blocksOfTheBeginning() {
    const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
    const end = readme.slice(0, readme.indexOf(`## ${LAST}`)).split('\n').length;
    return codeBlocks().filter(({ place }) => {
      const [page, line] = place.split(':');
      return page === 'README.md' && Number(line) < end;
    });
  }

  function run(command: string, cwd: string, node: string): void {
    const env = {
      ...process.env,
      PATH: `${dirname(node)}${delimiter}${process.env['PATH']}`,
      NODE_OPTIONS: '',
    };
    const { status, stderr } = spawnSync('/bin/sh', ['-c', command], {
      cwd,
      env,
      encoding: 'utf8',
      timeout: 120_000,
    });
    expect(status, `${command}\n${stderr}`).to.equal(0);
  }

  function newRecords(project: string, known: number): string[] {
    const lines = readFileSync(join(project, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
    return lines.slice(known).map((line) => (JSON.parse(line) as { resource: string }).resource);
  }
});
