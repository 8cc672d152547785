// npm run walk: which files and functions of lib/ one audited `callTool` passes, from the caller's method to the file, and how many
// files and lines each folder has; writes both tables in docs/architecture.md. `--list` names the functions instead.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { FileSink } from '../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../lib/withLogging.js';
import { formatted } from './formatted.mjs';

const lib = fileURLToPath(new URL('../lib/', import.meta.url));
const PAGE = fileURLToPath(new URL('../docs/architecture.md', import.meta.url));

/** The functions of lib/ that run while `act` does, by file. Those that tsx and V8 make up (`__name`, `<…>`) are left out. */
async function functionsRunBy(act) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await act();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  const ran = new Map();
  for (const { url, functions } of result) {
    if (!url.startsWith('file:') || !fileURLToPath(url).startsWith(lib)) continue;
    const names = functions
      .filter(({ ranges: [range], functionName }) => range.count > 0 && !/^(?:__|<)/.test(functionName))
      .map(({ functionName }) => (functionName === '' ? '(anonymous)' : functionName));
    if (names.length > 0) ran.set(relative(lib, fileURLToPath(url)), names);
  }
  return ran;
}

/** One call in mode `blocking`, of a tool that answers, by a client that has called it before. */
async function walkOfOneCall() {
  const folder = mkdtempSync(join(tmpdir(), 'walk-'));
  try {
    const [transport, serverSide] = InMemoryTransport.createLinkedPair();
    serverSide.onmessage = ({ id, method }) => {
      const serverInfo = { name: 'server', version: '1' };
      const initialized = { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo };
      const result = method === 'initialize' ? initialized : { content: [{ type: 'text', text: 'hello' }] };
      if (id !== undefined) setImmediate(() => void serverSide.send({ jsonrpc: '2.0', id, result }));
    };
    const client = withLogging(new Client({ name: 'walk', version: '1' }), {
      environment: 'test',
      sink: new FileSink(join(folder, 'audit.jsonl')),
    });
    await client.connect(transport);
    const call = () => client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    for (let warm = 0; warm < 3; warm++) await call();
    const ran = await functionsRunBy(call);
    await client.close();
    await auditLogOf(client).shutdown();
    return ran;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files and lines by folder of lib/; what is generated has no part in it. */
function sizes() {
  const folders = new Map();
  for (const file of readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    if (!/\.[mc]?ts$/.test(file) || file.includes(`${sep}gen${sep}`)) continue;
    const folder = folderOf(file);
    const { files = 0, lines = 0 } = folders.get(folder) ?? {};
    const length = readFileSync(join(lib, file), 'utf8').split('\n').length - 1;
    folders.set(folder, { files: files + 1, lines: lines + length });
  }
  return folders;
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

function tableOfWalk(ran) {
  const folders = new Map();
  for (const [file, names] of ran) {
    const folder = folderOf(file);
    const { files = 0, functions = 0 } = folders.get(folder) ?? {};
    folders.set(folder, { files: files + 1, functions: functions + names.length });
  }
  return tableOf(['folder', 'files', 'functions'], folders);
}

function folderOf(file) {
  return file.includes(sep) ? file.split(sep)[0] : '(entries)';
}

/** A row for each folder, and one for all. */
function tableOf(columns, folders) {
  const rows = [...folders].sort(([one], [other]) => (one < other ? -1 : 1));
  const counts = rows.map(([, row]) => Object.values(row));
  const all = (counts[0] ?? []).map((_, column) => sum(counts.map((row) => row[column])));
  return [columns, columns.map((_, column) => (column === 0 ? '---' : '---:'))]
    .concat(
      rows.map(([folder], index) => [`\`${folder}\``, ...counts[index]]),
      [['all', ...all]],
    )
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function replaced(text, name, table) {
  const [place = ''] = new RegExp(`<!-- ${name} -->[^]*<!-- end of ${name} -->`).exec(text) ?? [];
  if (place === '') throw new Error(`docs/architecture.md has no place for the ${name}`);
  return text.replace(place, () => `<!-- ${name} -->\n\n${table}\n\n<!-- end of ${name} -->`);
}

const ran = await walkOfOneCall();
if (process.argv.includes('--list')) {
  for (const [file, names] of ran) process.stdout.write(`${file}: ${names.join(', ')}\n`);
} else {
  const text = readFileSync(PAGE, 'utf8');
  const written = replaced(
    replaced(text, 'walk', tableOfWalk(ran)),
    'sizes',
    tableOf(['folder', 'files', 'lines'], sizes()),
  );
  writeFileSync(PAGE, await formatted(PAGE, written));
  process.stdout.write(
    `${ran.size} files, ${sum([...ran.values()].map((names) => names.length))} functions\n`,
  );
}
