// What does a record cost to encode, and how long does it get? Against JSON.stringify, which is the least that any JSON
// encoder costs. `node --import tsx benchmarks/codecs.ts`.
import { gzipSync } from 'node:zlib';
import { FORMATS, loadCodec } from '../lib/codecs/load.js';
import type { AuditRecord } from '../lib/schema/record.js';
import { sampleRecord } from '../spec/support/sampleRecords.js';

const COUNT = 20_000;
const ROUNDS = 7;
const records: AuditRecord[] = Array.from({ length: 256 }, (_, index) => sampleRecord(index));
const encoder = new TextEncoder();

const encoders = new Map<string, (record: AuditRecord) => Uint8Array>([
  ['JSON.stringify', (record) => encoder.encode(JSON.stringify(record))],
]);
for (const format of FORMATS) {
  const codec = await loadCodec(format);
  encoders.set(format, (record) => codec.encode(record));
}

const samples = new Map<string, number[]>([...encoders.keys()].map((name) => [name, []]));
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, encode] of encoders) {
    const began = process.cpuUsage();
    for (let index = 0; index < COUNT; index++) encode(records[index % records.length]!);
    const { user, system } = process.cpuUsage(began);
    if (round >= 0) samples.get(name)!.push((user + system) / COUNT);
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
console.log(`Node ${process.version}, ${ROUNDS} rounds of ${COUNT} records\n`);
console.log('| encoding | CPU µs a record | bytes a record | bytes, 256 gzipped together |');
console.log('|---|---:|---:|---:|');
for (const [name, encode] of encoders) {
  const bytes = records.map((record) => encode(record));
  const length = Math.round(bytes.reduce((sum, { byteLength }) => sum + byteLength, 0) / bytes.length);
  const gzipped = Math.round(gzipSync(Buffer.concat(bytes)).byteLength / bytes.length);
  console.log(`| ${name} | ${median(samples.get(name)!).toFixed(1)} | ${length} | ${gzipped} |`);
}
