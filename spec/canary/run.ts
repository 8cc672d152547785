import { expect } from 'chai';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundled } from '../support/bundled.js';
import { startReceiver } from '../support/httpReceiver.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { Canaries, type Planted } from './canaries.js';
import type { RunOptions } from './program.js';
import type { Output } from './search.js';

/** The secrets of one run of the program, and everything that left it. */
export interface Run {
  readonly planted: Planted[];
  readonly outputs: Output[];
}

/** Runs the program with receivers of its own, and waits for its end. */
export async function runProgram(options: Omit<RunOptions, 'folder' | 'taking' | 'refusing'>): Promise<Run> {
  const folder = temporaryFolder();
  const taking = await startReceiver();
  taking.answer = (response) => response.setHeader('content-type', 'application/json').end('{}');
  const refusing = await startReceiver();
  const said = new Canaries(options.seed + 1);
  refusing.answer = (response, { path }) => {
    const challenge = `Bearer error="invalid_token", error_uri="${said.uri('www-authenticate')}"`;
    response
      .writeHead(Number(/\d{3}/.exec(path)?.[0] ?? 400), { 'www-authenticate': challenge })
      .end(JSON.stringify(said.json('body of a refusal')));
  };
  try {
    const places = { folder: folder.path, taking: taking.url, refusing: refusing.url };
    const { planted, printed } = await finished({ ...options, ...places });
    const bodies = new Map<string, Buffer[]>();
    for (const { path, body } of taking.requests) bodies.set(path, [...(bodies.get(path) ?? []), body]);
    const sent = [...bodies].map(([name, parts]) => ({ name, bytes: Buffer.concat(parts) }));
    return {
      planted: [...planted, ...said.planted],
      outputs: [...printed, ...sent, ...filesIn(folder.path)],
    };
  } finally {
    await Promise.all([taking.close(), refusing.close()]);
    folder.remove();
  }
}

async function finished(options: RunOptions): Promise<{ planted: Planted[]; printed: Output[] }> {
  const program = bundled(new URL('program.ts', import.meta.url));
  const child = fork(program, [JSON.stringify(options)], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => streams[name].push(chunk));
  let planted: Planted[] = [];
  child.on('message', (message) => (planted = message as Planted[]));
  const [code] = (await once(child, 'close')) as [number];
  expect(code, Buffer.concat(streams.stderr).toString().slice(-2_000)).to.equal(0);
  return {
    planted,
    printed: Object.entries(streams).map(([name, parts]) => ({ name, bytes: Buffer.concat(parts) })),
  };
}

function filesIn(folder: string): Output[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}
