import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MerkleLog } from '../../lib/integrity/sealing/log.js';
import { resolveIntegrity, type IntegrityOptions } from '../../lib/integrity/sealing/options.js';
import { newKey } from './signing.js';

export const ORIGIN = 'audit.example.com/agents';

/** A line as the JSON codec writes it: the fields that matter here, and some bulk. */
export function recordLine(seq: number): Buffer {
  const id = `01970000-0000-7000-8000-${seq.toString(16).padStart(12, '0')}`;
  return Buffer.from(
    `{"record_id":"${id}","seq":${seq},"time":"2026-01-01T00:00:00.000Z","message":"tools/call échö ${seq * 7919}"}`,
  );
}

/** Logs that were left open, as a crash leaves them. Kept, so that nothing closes their files behind a test's back. */
const abandoned: MerkleLog[] = [];

/** The simplest writer of a sealed log there can be: real files, and nothing that a test would have to wait for. */
export class TestLog {
  readonly path: string;
  readonly key = newKey(ORIGIN);
  readonly errors: Error[] = [];
  options: IntegrityOptions;
  #log: MerkleLog | undefined;
  #seq = 0;
  /** The error that making records durable gives, for as long as it is set. */
  failSync: Error | undefined;

  constructor(folder: string, options: Partial<IntegrityOptions> = {}) {
    this.path = join(folder, 'audit.jsonl');
    this.options = { origin: ORIGIN, key: { pem: this.key.pem }, checkpointSeconds: 3600, ...options };
  }

  get log(): MerkleLog {
    if (this.#log === undefined) throw new Error('not open');
    return this.#log;
  }

  /** The lines of the file as it is now. */
  get lines(): string[] {
    return readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
  }

  set lines(lines: readonly string[]) {
    writeFileSync(this.path, lines.map((line) => `${line}\n`).join(''));
  }

  /** Opens the log; if it is open already, that is a crash and a restart. */
  async open(): Promise<this> {
    if (this.#log !== undefined) abandoned.push(this.#log);
    const writer = { sync: () => this.#sync(), onError: (error: Error) => void this.errors.push(error) };
    this.#log = await MerkleLog.open(this.path, resolveIntegrity(this.options), writer);
    return this;
  }

  async #sync(): Promise<void> {
    if (this.failSync !== undefined) throw this.failSync;
  }

  /** Writes so many records more. */
  append(count: number): this {
    const lines = Array.from({ length: count }, () => recordLine(this.#seq++));
    appendFileSync(this.path, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    this.#log?.append(lines);
    return this;
  }

  /** Writes lines of any kind. */
  write(...texts: readonly string[]): this {
    const lines = texts.map((text) => Buffer.from(text));
    appendFileSync(this.path, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    this.#log?.append(lines);
    return this;
  }

  /** Writes `segments` times `every` records, each sealed by a checkpoint. */
  async appendSealed(segments: number, every: number): Promise<this> {
    for (let i = 0; i < segments; i++) await this.append(every).log.seal();
    return this;
  }

  rotate(name: string): this {
    renameSync(this.path, join(this.path, '..', name));
    this.log.rotated(name);
    return this;
  }

  async close(): Promise<this> {
    await this.#log?.close();
    this.#log = undefined;
    return this;
  }
}
