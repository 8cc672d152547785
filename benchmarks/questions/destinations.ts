import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import pg from 'pg';
import { archiveLog } from '../../lib/archive/archiver.js';
import { encodeLine } from '../../lib/codecs/json.js';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { resolveArchive } from '../../lib/sinks/file/keeping.js';
import { PostgresSink } from '../../lib/sinks/postgresSink.js';
import { SyslogSink } from '../../lib/sinks/syslogSink.js';
import { postgresPrograms, startPostgres } from '../../spec/support/postgres.js';
import { startRadosgw } from '../../spec/support/radosgw.js';
import { startRsyslog } from '../../spec/support/rsyslog.js';
import { sampleRecord } from '../../spec/support/sampleRecords.js';
import { partsOf } from '../../spec/support/segmentedLog.js';
import type { Case, Question } from '../harness/question.js';
import { scratch } from '../tools/measure.js';

const MEGABYTE = 1e6;
const BUCKET = 'bench';

/** Writes a sealed log with one finished segment of about that size; gives its path. */
async function sealedLog(folder: string, bytes: number): Promise<string> {
  const path = join(folder, 'audit.jsonl');
  const integrity = { origin: 'bench.example/archive', key: { generate: `${path}.pem` } };
  const sink = new FileSink({ path, rotate: { maxBytes: bytes }, integrity, onNotice: () => undefined });
  for (let at = 0; partsOf(path).length === 0; at += 500)
    await sink.emit(Array.from({ length: 500 }, (_, index) => sampleRecord(at + index)));
  await sink.close();
  return path;
}

/** What the archive adds: it hashes twice, sends two objects more, and reads all of it back. */
export const archive: Question = {
  name: 'archive',
  asks: 'How fast does a segment get into an archive and is proved, beside a plain upload of the same bytes?',
  rounds: 5,
  quick: false,
  ratios: [
    { name: 'archive, to a plain upload', of: (round) => round.of('archive') / round.of('plain upload') },
    {
      name: 'archive, to an upload that is read back',
      of: (round) => round.of('archive') / round.of('plain upload, read back'),
    },
  ],
  prepare: async ({ quick }) => {
    const server = await startRadosgw();
    const folder = scratch();
    const log = await sealedLog(folder.path, (quick ? 10 : 40) * MEGABYTE);
    const segment = join(folder.path, partsOf(log)[0] ?? '');
    const megabytes = statSync(segment).size / MEGABYTE;
    const client = new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: {
        accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
    });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
    let names = 0;
    const plain = async (): Promise<string> => {
      const Key = `plain-${++names}`;
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: readFileSync(segment) }));
      return Key;
    };
    const timed = (name: string, work: () => Promise<unknown>): Case => ({
      name,
      measure: async () => {
        const began = performance.now();
        await work();
        return { 'MB/s': (megabytes * 1000) / (performance.now() - began) };
      },
    });
    return {
      cases: [
        timed('plain upload', plain),
        timed('plain upload, read back', async () => {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: await plain() }));
          await Body?.transformToByteArray();
        }),
        timed('archive', async () => {
          // As if it had never been archived; the folder in the bucket is another each time.
          rmSync(join(integrityLayout(log).folder, 'archive.json'), { force: true });
          const to = `s3://${BUCKET}/run-${++names}`;
          const target = resolveArchive({ to, lock: 'compliance', lockDays: 1 });
          const { archived } = await archiveLog(log, target, { env: server.env });
          if (archived.length !== 1) throw new Error('nothing was archived');
        }),
      ],
      close: async () => {
        client.destroy();
        await server.stop();
        folder.remove();
      },
    };
  },
};

const BATCH = 512;
const [SYSLOG, SYSLOG_BARE] = ['SyslogSink', 'bare: lines of that length into a TLS socket'];
const [POSTGRES, POSTGRES_BARE] = ['PostgresSink', 'bare: the lines in one INSERT a batch'];

/** The configuration of rsyslog that users are shown. */
function documentedRsyslog(): string {
  const page = readFileSync(new URL('../../docs/destinations.md', import.meta.url), 'utf8');
  return /```text\n(global[^`]+)```/.exec(page)?.[1] ?? '';
}

export const destinations: Question = {
  name: 'destinations',
  asks: 'How many records a second take rsyslog over TLS and PostgreSQL?',
  rounds: 5,
  quick: false,
  ratios: [
    { name: 'SyslogSink, to bare', of: (round) => round.of(SYSLOG) / round.of(SYSLOG_BARE) },
    { name: 'PostgresSink, to bare', of: (round) => round.of(POSTGRES) / round.of(POSTGRES_BARE) },
  ],
  prepare: async ({ quick }) => {
    const batches = quick ? 10 : 40;
    let seq = 0;
    const nextBatch = () => Array.from({ length: BATCH }, () => sampleRecord(seq++));
    const rsyslog = await startRsyslog(documentedRsyslog());
    const syslog = new SyslogSink({ endpoint: rsyslog.url, tls: { ca: rsyslog.ca } });
    const socket = connect({ port: Number(new URL(rsyslog.url).port), host: 'localhost', ca: rsyslog.ca });
    await once(socket, 'secureConnect');
    const programs = postgresPrograms();
    if (programs === undefined) throw new Error('PostgreSQL is not installed');
    const server = await startPostgres(programs);
    await server.query(readFileSync(new URL('../../lib/sinks/postgres.sql', import.meta.url), 'utf8'));
    await server.query('CREATE TABLE bare (id bigserial PRIMARY KEY, line text NOT NULL)');
    const postgres = new PostgresSink({ connectionString: server.url() });
    const pool = new pg.Pool({ connectionString: server.url(), max: 1 });
    const sent = (name: string, send: (records: ReturnType<typeof nextBatch>) => Promise<unknown>): Case => ({
      name,
      measure: async () => {
        const all = Array.from({ length: batches }, nextBatch);
        const began = performance.now();
        for (const records of all) await send(records);
        return { 'a second': (BATCH * batches * 1000) / (performance.now() - began) };
      },
    });
    const by = (sink: SyslogSink | PostgresSink) => async (records: ReturnType<typeof nextBatch>) => {
      const { status } = await sink.emit(records);
      if (status !== 'delivered') throw new Error(`${sink.name}: ${status}`);
    };
    return {
      cases: [
        sent(SYSLOG, by(syslog)),
        sent(SYSLOG_BARE, (records) => {
          const messages = records.map((record) => `<14>1 - - - - - - ${encodeLine(record)}`);
          const framed = messages.map((text) => `${Buffer.byteLength(text)} ${text}`).join('');
          return new Promise((resolve) => socket.write(framed, resolve));
        }),
        sent(POSTGRES, by(postgres)),
        sent(POSTGRES_BARE, (records) => {
          const lines = records.map((record) => encodeLine(record));
          return pool.query('INSERT INTO bare (line) SELECT unnest($1::text[])', [lines]);
        }),
      ],
      close: async () => {
        socket.destroy();
        await Promise.all([syslog.close(), postgres.close(), pool.end()]);
        await Promise.all([rsyslog.close(), server.stop()]);
      },
    };
  },
};
