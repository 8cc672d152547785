import { join } from 'node:path';
import type { AuditRecord } from '../../lib/schema/record.js';
import { SpoolStore } from '../../lib/sinks/spool/store.js';
import { encodeLine } from '../../lib/codecs/json.js';
import { Notices } from '../../lib/sinks/file/notice.js';
import { numbered } from '../../spec/support/drafts.js';
import type { Case, Figures, Question } from '../harness/question.js';
import { scratch } from '../tools/measure.js';

/** The two things that a spool does: append a batch durably, and read it back in order while deleting it. */
interface Candidate {
  append(batch: readonly AuditRecord[], first: number): Promise<void> | void;
  drain(): Promise<number> | number;
  close(): Promise<void> | void;
}

const BATCH = 64;
const BATCHES = 200;

function segmentLog(folder: string): Candidate {
  const store = new SpoolStore(folder, {
    segmentBytes: 8 * 1024 * 1024,
    staleLockMs: 15_000,
    notices: new Notices(undefined),
  });
  return {
    append: (batch) => store.append(batch.map((record) => ({ line: encodeLine(record), seq: record.seq }))),
    drain: () => {
      let count = 0;
      for (let stretch = store.read(512); stretch !== undefined; stretch = store.read(512)) {
        count += stretch.records.length;
        store.advance(stretch.end);
      }
      return count;
    },
    close: () => store.close(),
  };
}

interface Sqlite {
  exec(sql: string): void;
  prepare(sql: string): {
    run(...values: unknown[]): void;
    all(...values: unknown[]): { id: number; line: string }[];
  };
  transaction(work: () => void): () => void;
  close(): void;
}

async function sqlite(folder: string): Promise<Candidate> {
  const { default: Database } = await optional<{ default: new (path: string) => Sqlite }>('better-sqlite3');
  const database = new Database(join(folder, 'spool.db'));
  database.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE spool(id INTEGER PRIMARY KEY, line TEXT)',
  );
  const insert = database.prepare('INSERT INTO spool VALUES (?, ?)');
  const select = database.prepare('SELECT id, line FROM spool ORDER BY id LIMIT 512');
  const remove = database.prepare('DELETE FROM spool WHERE id <= ?');
  return {
    append: (batch, first) =>
      database.transaction(() => batch.forEach((record, i) => insert.run(first + i, encodeLine(record))))(),
    drain: () => {
      let count = 0;
      for (let rows = select.all(); rows.length > 0; rows = select.all()) {
        for (const { line } of rows) JSON.parse(line);
        remove.run(rows.at(-1)?.id);
        count += rows.length;
      }
      return count;
    },
    close: () => database.close(),
  };
}

interface Level {
  open(): Promise<void>;
  batch(operations: unknown[], options: { sync: boolean }): Promise<void>;
  iterator(options: { limit: number }): AsyncIterable<[string, string]>;
  close(): Promise<void>;
}

const key = (id: number) => String(id).padStart(16, '0');

async function level(folder: string): Promise<Candidate> {
  const { ClassicLevel } = await optional<{ ClassicLevel: new (path: string) => Level }>('classic-level');
  const database = new ClassicLevel(join(folder, 'level'));
  await database.open();
  return {
    append: (batch, first) =>
      database.batch(
        batch.map((record, i) => ({ type: 'put', key: key(first + i), value: encodeLine(record) })),
        { sync: true },
      ),
    drain: async () => {
      for (let count = 0; ;) {
        const keys: string[] = [];
        for await (const [id, line] of database.iterator({ limit: 512 })) {
          JSON.parse(line);
          keys.push(id);
        }
        if (keys.length === 0) return count;
        await database.batch(
          keys.map((id) => ({ type: 'del', key: id })),
          { sync: false },
        );
        count += keys.length;
      }
    },
    close: () => database.close(),
  };
}

interface Lmdb {
  transaction(work: () => void): Promise<void>;
  put(id: number, line: string): void;
  remove(id: number): Promise<void>;
  flushed: Promise<void>;
  getRange(options: { limit: number }): { asArray: { key: number; value: string }[] };
  close(): Promise<void>;
}

async function lmdb(folder: string): Promise<Candidate> {
  const { open } = await optional<{ open: (options: object) => Lmdb }>('lmdb');
  const database = open({ path: join(folder, 'lmdb') });
  return {
    append: async (batch, first) => {
      await database.transaction(() =>
        batch.forEach((record, i) => database.put(first + i, encodeLine(record))),
      );
      await database.flushed;
    },
    drain: async () => {
      for (let count = 0; ;) {
        const rows = database.getRange({ limit: 512 }).asArray;
        if (rows.length === 0) return count;
        for (const { value } of rows) JSON.parse(value);
        await Promise.all(rows.map((row) => database.remove(row.key)));
        count += rows.length;
      }
    },
    close: () => database.close(),
  };
}

/** A module that need not be installed. */
async function optional<T>(name: string): Promise<T> {
  return (await import(name)) as T;
}

type Make = (folder: string) => Candidate | Promise<Candidate>;
const STORES: Readonly<Record<string, Make>> = {
  'segment log (ours)': segmentLog,
  'better-sqlite3 (WAL, synchronous=FULL)': sqlite,
  'classic-level (sync)': level,
  'lmdb (flushed)': lmdb,
};

async function timed(make: Make): Promise<Figures | undefined> {
  const folder = scratch(process.cwd());
  try {
    const candidate = await make(folder.path);
    let seq = 0;
    const batches = Array.from({ length: BATCHES }, () =>
      Array.from({ length: BATCH }, () => numbered(seq++)),
    );
    const start = performance.now();
    for (const [index, batch] of batches.entries()) await candidate.append(batch, index * BATCH);
    const appended = performance.now();
    const drained = await candidate.drain();
    const end = performance.now();
    await candidate.close();
    if (drained !== seq) throw new Error(`a store gave back ${drained} of ${seq} records`);
    const perSecond = (ms: number) => (seq / ms) * 1000;
    return {
      'durable records a second': perSecond(appended - start),
      'read back and deleted a second': perSecond(end - appended),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  } finally {
    folder.remove();
  }
}

/** For the others: `npm install --no-save lmdb classic-level better-sqlite3`; what is not installed is left out. */
export const spool: Question = {
  name: 'spool',
  asks: 'How fast is the store that a spool stands on, beside embedded databases that are well kept?',
  rounds: 3,
  quick: false,
  ratios: [],
  prepare: async () => {
    const cases: Case[] = [];
    for (const [name, make] of Object.entries(STORES)) {
      if ((await timed(make)) === undefined) continue;
      cases.push({ name, measure: async () => (await timed(make)) ?? {} });
    }
    return { cases };
  },
};
