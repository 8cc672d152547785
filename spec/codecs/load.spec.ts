import { expect } from 'chai';
import { loadCodec, type CodecOptions, type Format } from '../../lib/codecs/load.js';
import { OPTIONS } from '../../lib/options/tables.js';
import { decodeProtobuf, decodeProtojson } from '../../lib/codecs/protobuf.js';
import { sampleRecord } from '../support/sampleRecords.js';

const record = sampleRecord(1, { outcome: 'OUTCOME_PARTIAL' });
const encoded = async (format: Format, options?: CodecOptions) =>
  (await loadCodec(format, options)).encode(record);
const text = async (format: Format, options?: CodecOptions) =>
  Buffer.from(await encoded(format, options)).toString();

describe('a codec by its name', () => {
  for (const format of OPTIONS.HttpSinkOptions.format.choices) {
    it(`is called ${format}`, async () => {
      // An old name is a name of the same codec.
      expect(await loadCodec(format)).to.include({ name: format === 'ocsf-strict' ? 'ocsf' : format });
    });

    it(`writes the names of the profile that was asked for (${format})`, async () => {
      const [documented, newer] = [await encoded(format), await encoded(format, { profile: '0.2' })];
      expect(Buffer.from(documented).equals(newer)).to.equal(false);
    });

    if (format !== 'protobuf')
      it(`frames a batch as it was asked to (${format})`, async () => {
        const records = [sampleRecord(1), sampleRecord(2)];
        const lines = (await loadCodec(format)).encodeBatch(records);
        const array = (await loadCodec(format, { framing: 'array' })).encodeBatch(records);
        expect(Buffer.from(lines).toString()).to.match(/^\{.*\}\n\{.*\}\n$/);
        expect(Buffer.from(array).toString()).to.match(/^\[\{.*\},\{.*\}\]$/);
        const media = [await loadCodec(format), await loadCodec(format, { framing: 'array' })];
        expect(media.map(({ batchContentType }) => batchContentType)).to.deep.equal([
          'application/x-ndjson',
          'application/json',
        ]);
      });
  }

  it('writes what its name says', async () => {
    expect(JSON.parse(await text('json'))).to.deep.equal(record);
    expect(decodeProtobuf(await encoded('protobuf'))).to.deep.equal(record);
    expect(decodeProtojson(await text('protojson'))).to.deep.equal(record);
    expect(JSON.parse(await text('ecs'))).to.have.nested.property('ecs.version');
    expect(JSON.parse(await text('ecs-9'))).to.have.nested.property('ecs.version', '9.4.0');
    expect(JSON.parse(await text('ocsf'))).to.have.nested.property('metadata.version', '1.3.0');
    expect(JSON.parse(await text('ocsf-1.8'))).to.have.nested.property('metadata.version', '1.8.0');
    expect(await text('ocsf-strict')).to.equal(await text('ocsf'));
  });

  it('names its media types', async () => {
    expect(await loadCodec('json')).to.include({ contentType: 'application/json' });
    expect(await loadCodec('protobuf')).to.include({
      contentType: 'application/x-protobuf',
      batchContentType: 'application/x-protobuf; encoding=delimited',
    });
  });

  it('frames no record as an empty body or an empty array', async () => {
    expect((await loadCodec('json')).encodeBatch([])).to.have.length(0);
    const array = await loadCodec('json', { framing: 'array' });
    expect(Buffer.from(array.encodeBatch([])).toString()).to.equal('[]');
  });
});
