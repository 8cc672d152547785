import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildTree, type TraceNode } from '../../lib/cli/query/trace.js';
import { runCli } from '../support/builtCli.js';
import { sampleLog } from '../support/sampleLog.js';
import { writeSampleLog } from '../support/sampleLogFiles.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const span = (span_id: string, parent_span_id?: string) => {
  const { parent_span_id: _parent, ...record } = sampleRecord(0, { span_id });
  return { file: 'log', record: parent_span_id === undefined ? record : { ...record, parent_span_id } };
};
const shape = (nodes: readonly TraceNode[]): unknown =>
  nodes.map(({ record, children }) =>
    children.length > 0 ? [record.span_id, shape(children)] : record.span_id,
  );

describe('query --follow-trace', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('hangs records below the spans that they happened in', () => {
    expect(shape(buildTree([span('c', 'b'), span('a'), span('b', 'a'), span('d', 'a')]))).to.deep.equal([
      ['a', [['b', ['c']], 'd']],
    ]);
  });

  it('keeps every record, once, whatever the ids say', () => {
    for (const spans of [
      [span('a', 'a')],
      [span('a', 'b'), span('b', 'a')],
      [span('a'), span('a', 'a')],
      [span('a', 'zz')],
    ]) {
      const count = (nodes: readonly TraceNode[]): number =>
        nodes.reduce((sum, { children }) => sum + 1 + count(children), 0);
      expect(count(buildTree(spans))).to.equal(spans.length);
    }
  });

  it('draws a trace ten thousand spans deep', async () => {
    const path = join(folder.path, 'deep.jsonl');
    const lines = Array.from({ length: 10_000 }, (_, i) => JSON.stringify(span(`s${i}`, `s${i - 1}`).record));
    writeFileSync(path, `${lines.join('\n')}\n`);
    const { code } = await runCli(['query', '--follow-trace', span('a').record.trace_id, path]);
    expect(code).to.equal(0);
  });

  it('follows one trace across the logs of several processes', async () => {
    const logs = [0, 1, 2].map((process) => {
      const path = join(folder.path, `agent-${process}.jsonl`);
      writeSampleLog(path, { records: 60, process, stepMs: 50 });
      return path;
    });
    const all = [0, 1, 2].flatMap((process) => [...sampleLog({ records: 60, process, stepMs: 50 })]);
    const id = all.find(({ component, seq }) => component === 'agent-0' && seq === 20)!.trace_id;
    const wanted = all.filter(({ trace_id }) => trace_id === id);
    expect(new Set(wanted.map(({ component }) => component)).size).to.be.greaterThan(1);

    const { code, stdout } = await runCli(['query', '--follow-trace', id, ...logs]);
    expect(code).to.equal(0);
    expect(stdout).to.include(`${wanted.length} records in`);
    for (const { resource } of wanted) expect(stdout).to.include(resource);
    expect(stdout.split('\n').filter((line) => /^[└├]/.test(line))).to.have.length(1);

    const tree = JSON.parse(
      (await runCli(['query', '--follow-trace', id.slice(0, 12), '--json', ...logs])).stdout,
    ) as { trace_id: string; roots: TraceNode[] };
    expect([tree.trace_id, tree.roots.length, tree.roots[0]!.children.length]).to.deep.equal([
      id,
      1,
      wanted.length - 1,
    ]);
  });

  const mcp = { method: 'tools/call', answer: 'result', served_from: 'wire' } as const;
  const start = (propagate: unknown) =>
    sampleRecord(0, { resource: 'audit/start', trace_id: 'a'.repeat(32), data: { policy: { propagate } } });
  for (const [name, records, why] of [
    ['its server has no log here', [sampleRecord(1, { mcp })], /made no audited call in this trace/],
    [
      'the client answered from its cache',
      [sampleRecord(1, { mcp: { method: 'tools/list', answer: 'result', served_from: 'cache' } })],
      /^Only this record: the client answered by itself \(cache\), and nothing was sent\.$/m,
    ],
    ['its process sends no trace', [start(false), sampleRecord(1, { mcp })], /sends the trace to no server/],
    [
      'no answer came',
      [sampleRecord(1, { mcp: { method: 'tools/call' }, error: { type: 'timeout' } })],
      /No answer came \(timeout\)/,
    ],
    [
      'its parent is elsewhere',
      [sampleRecord(1, { mcp, parent_span_id: 'b'.repeat(16) })],
      /parent span b{16} is in no record of these logs/,
    ],
  ] as const)
    it(`says why there is only one record: ${name}`, async () => {
      const path = join(folder.path, 'audit.jsonl');
      writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      const id = records.at(-1)!.trace_id;
      const { stdout } = await runCli(['query', '--follow-trace', id, path]);
      expect(stdout).to.match(why);
      const json = (await runCli(['query', '--follow-trace', id, '--json', path])).stdout;
      expect((JSON.parse(json) as { notes: string[] }).notes.join('\n')).to.match(why);
      if (name !== 'its process sends no trace') expect(stdout).not.to.include('sends the trace');
    });

  it('says nothing of the kind where there are two', async () => {
    const path = join(folder.path, 'audit.jsonl');
    const records = [
      start(false),
      sampleRecord(1, { mcp }),
      sampleRecord(2, { mcp, span_id: 'c'.repeat(16) }),
    ];
    writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const { stdout } = await runCli(['query', '--follow-trace', records[1]!.trace_id, path]);
    expect(stdout).not.to.match(/Only this record|sends the trace/);
  });

  it('ends with exit code 1 where the trace is in no log, with 2 where the id is none', async () => {
    const path = join(folder.path, 'audit.jsonl');
    writeSampleLog(path, { records: 10 });
    expect((await runCli(['query', '--follow-trace', 'f'.repeat(32), path])).code).to.equal(1);
    expect((await runCli(['query', '--follow-trace', 'not-hex', path])).code).to.equal(2);
    expect((await runCli(['query', '--follow-trace', '', path])).code).to.equal(2);
  });
});
