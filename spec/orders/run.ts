// npm run orders: every order of loading us and another tool, in both module systems and on both lines of OpenTelemetry's API,
// from the packed package. `npm run orders -- Sentry ESM` runs the rows whose name has these words.
import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emptyProject, installNodes, npm, pack } from '../matrix/projects.js';
import { faultOf, type Run } from './judge.js';
import { COMMON, ORDERS, TOOLS, type ApiLine, type Tool } from './tools.js';

interface Job {
  readonly title: string;
  readonly project: string;
  readonly api: ApiLine;
  readonly tool: Tool;
  readonly extension: 'cjs' | 'mjs';
  readonly preloads: (theirs: string, ours: string) => readonly string[];
}

const SYSTEMS = { ESM: 'mjs', CommonJS: 'cjs' } as const;
/** More processes at once only slow one another down. */
const AT_ONCE = Math.min(4, availableParallelism());

const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-orders-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
// Agents report there. It takes everything, and knows nothing.
const agent = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json').end('{"rate_by_service":{}}');
  });
}).listen(0, '127.0.0.1');
await new Promise((listening) => agent.once('listening', listening));

const jobs = wanted();
const nodes = prepare();
const faults = new Map<string, string>();
let done = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const fault = faultOf(await run(job), job.tool.exportsOurs);
      done++;
      if (fault !== undefined) faults.set(job.title, fault);
      say(`${fault === undefined ? '✔' : '✖'} ${job.title}${fault === undefined ? '' : `: ${fault}`}`);
    }
  }),
);
agent.close();
say(`\n${done - faults.size} passed, ${faults.size} failed`);
// `.ci/run` sums up what all suites leave there.
const counts = process.env['MOCHA_COUNTS'];
if (counts !== undefined) {
  const sums = { passes: done - faults.size, failures: faults.size, pending: 0 };
  appendFileSync(counts, `${JSON.stringify(sums)}\n`);
}
process.exitCode = faults.size === 0 && done > 0 ? 0 : 1;

function wanted(): Job[] {
  const all = (Object.keys(TOOLS) as ApiLine[]).flatMap((api) =>
    Object.entries(TOOLS[api]).flatMap(([name, tool]) =>
      Object.entries(SYSTEMS).flatMap(([system, extension]) =>
        Object.entries(ORDERS).map(([order, preloads]): Job => {
          const title = `API ${api}, ${name}, ${system}: ${order}`;
          return { title, project: `${api} ${name}`, api, tool, extension, preloads };
        }),
      ),
    ),
  );
  return all.filter(({ title }) => process.argv.slice(2).every((word) => title.includes(word)));
}

function prepare(): Map<string, string> {
  const tarball = pack();
  const projects = new Map(jobs.map(({ project, api, tool }) => [project, { api, tool }]));
  const versions = new Set([...projects.values()].flatMap(({ tool }) => tool.node ?? []));
  const binaries = installNodes(join(folder, 'nodes'), [...versions]);
  for (const [project, { api, tool }] of projects) {
    const target = join(folder, project);
    emptyProject(target);
    // Langfuse and Sentry have not declared every line of OpenTelemetry yet that works with them.
    npm(target, ['install', '--legacy-peer-deps', ...COMMON(api), ...tool.install, tarball]);
    cpSync(fileURLToPath(new URL('apps', import.meta.url)), target, { recursive: true });
  }
  return binaries;
}

function run({ title, project, tool, extension, preloads }: Job): Promise<Run> {
  const args = preloads(`./${tool.app}.${extension}`, `./ours.${extension}`);
  const log = join(folder, `${title.replaceAll(/[^\w.]+/g, '-')}.jsonl`);
  const options = {
    cwd: join(folder, project),
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ORDERS_LOG: log,
      OTEL_MCP_LOG_QUIET: '1',
      OTEL_MCP_LOG_ENVIRONMENT: 'orders',
      OTEL_MCP_LOG_SINKS: 'file',
      OTEL_MCP_LOG_FILE: log,
      ...tool.env?.(agent.address() as AddressInfo),
    },
    timeout: 120_000,
  };
  const node = tool.node === undefined ? process.execPath : nodes.get(tool.node);
  return new Promise((resolve) => {
    const child = [...args.flatMap((each) => ['--import', each]), `app.${extension}`];
    execFile(node ?? process.execPath, child, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
