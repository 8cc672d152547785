import { gzipSync } from 'node:zlib';
import { loadCodec } from '../../lib/codecs/load.js';
import { OPTIONS } from '../../lib/options/tables.js';
import { sampleRecord } from '../../spec/support/sampleRecords.js';
import type { Question } from '../harness/question.js';
import { cpuOf } from '../tools/measure.js';

const FORMATS = OPTIONS.HttpSinkOptions.format.choices;
const records = Array.from({ length: 256 }, (_, index) => sampleRecord(index));
const encoder = new TextEncoder();
const PLAIN = 'JSON.stringify';

/** Against JSON.stringify, which is the least that any JSON encoder costs. */
export const codecs: Question = {
  name: 'codecs',
  asks: 'What does a record with every field cost to encode, and how long does it get?',
  rounds: 7,
  quick: true,
  ratios: FORMATS.map((format) => ({
    name: `${format}, to JSON.stringify`,
    of: (round) => round.of(format) / round.of(PLAIN),
  })),
  prepare: async ({ quick }) => {
    const count = quick ? 4_000 : 20_000;
    const loaded = await Promise.all(FORMATS.map((format) => loadCodec(format)));
    const encoders = [
      { name: PLAIN, encode: (record: (typeof records)[number]) => encoder.encode(JSON.stringify(record)) },
      ...loaded.map((codec, index) => ({
        name: FORMATS[index]!,
        encode: (record: (typeof records)[number]) => codec.encode(record),
      })),
    ];
    return {
      cases: encoders.map(({ name, encode }) => {
        const bytes = records.map((record) => encode(record));
        const work = () => {
          for (let index = 0; index < count; index++) encode(records[index % records.length]!);
        };
        return {
          name,
          measure: async () => ({
            'CPU µs a record': (await cpuOf(work)) / count,
            'bytes a record': Buffer.concat(bytes).length / bytes.length,
            'bytes, 256 gzipped together': gzipSync(Buffer.concat(bytes)).length / bytes.length,
          }),
        };
      }),
    };
  },
};
