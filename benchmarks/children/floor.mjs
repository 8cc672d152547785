// The least that one part of an audited call can cost, in a process of its own: what a minimal program would do in its place.
// Argument: the part. Prints microseconds: the tenth percentile of many short batches, most of which nothing interrupts.
import { createHash, hash } from 'node:crypto';
import { openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SpanKind } from '@opentelemetry/api';
import { folder, LINE, provide } from './variants.mjs';

const BATCHES = 400;
const OPERATIONS = 100;

const sha256 =
  typeof hash === 'function'
    ? (data) => hash('sha256', data, 'hex')
    : (data) => createHash('sha256').update(data).digest('hex');

function span() {
  const tracer = provide().getTracer('floor');
  const attributes = {
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'echo',
    'mcp.session.id': 'a session',
    'network.transport': 'pipe',
  };
  return () =>
    tracer.startActiveSpan('tools/call echo', { kind: SpanKind.CLIENT, attributes }, (each) => each.end());
}

/**
 * A salt, and with it one commitment to the arguments and one to the result: each an HMAC of a short text, which is two hashes. An object
 * for each, as `createHmac` makes it, takes more than twice as long.
 */
function commitments() {
  const [inner, outer] = [112, 96].map((size) => Buffer.alloc(size, 'a'));
  return () => {
    for (let mac = 0; mac < 3; mac++) {
      sha256(inner);
      sha256(outer);
    }
  };
}

/** A leaf of a Merkle tree, one node (as many as leaves, in the long run), and a MAC of what no checkpoint covers yet. */
function seal() {
  const [leaf, node, mac] = [JSON.stringify(LINE).length, 65, 104].map((size) => Buffer.alloc(size, 'a'));
  return () => {
    sha256(leaf);
    sha256(node);
    sha256(mac);
  };
}

/** The record's line and its MAC, each in its file, since a caller waits for both. */
function writes() {
  const [line, mac] = ['line', 'mac'].map((name) => openSync(join(folder, name), 'a'));
  const [bytes, digest] = [Buffer.from(`${JSON.stringify(LINE)}\n`), Buffer.alloc(16)];
  return () => {
    writeSync(mac, digest);
    writeSync(line, bytes);
  };
}

const FLOORS = {
  span,
  line: () => () => JSON.stringify(LINE),
  commitments,
  seal,
  writes,
};

const work = FLOORS[process.argv[2]]();
const times = [];
for (let batch = 0; batch < BATCHES; batch++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < OPERATIONS; i++) work();
  times.push(Number(process.hrtime.bigint() - start) / 1e3 / OPERATIONS);
}
times.sort((a, b) => a - b);
process.stdout.write(JSON.stringify(times[BATCHES / 10]));
rmSync(folder, { recursive: true, force: true });
