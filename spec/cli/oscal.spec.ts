import { expect } from 'chai';
import { Ajv, type AnySchemaObject } from 'ajv';
import addFormats from 'ajv-formats';
import { unzipSync } from 'fflate';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLAUSES, FRAMEWORKS } from '../../lib/cli/evidence/clauses.js';
import { controlId, OSCAL_NAME } from '../../lib/cli/evidence/oscal.js';
import { runCli } from '../support/builtCli.js';
import { writeSampleLog } from '../support/sampleLogFiles.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const SCHEMA = readFileSync('spec/cli/fixtures/oscal_assessment-results_schema.json');

interface Document {
  'assessment-results': {
    uuid: string;
    metadata: Record<string, string>;
    'import-ap': { href: string };
    results: {
      start: string;
      end: string;
      'reviewed-controls': { 'control-selections': { 'include-controls': { 'control-id': string }[] }[] };
      observations: {
        uuid: string;
        title: string;
        description: string;
        props: { name: string; value: string }[];
        subjects: { 'subject-uuid': string }[];
        'relevant-evidence'?: { href: string }[];
        remarks: string;
      }[];
      findings?: {
        target: { 'target-id': string; status: { state: string } };
        'related-observations': { 'observation-uuid': string }[];
      }[];
    }[];
    'back-matter': { resources: { uuid: string; rlinks: { href: string }[] }[] };
  };
}

describe('OSCAL assessment results', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const at = (name: string) => join(folder.path, name);
  before(async () => {
    folder = temporaryFolder();
    log = at('audit.jsonl');
    await writeSealedSampleLog(log, { records: 200, stepMs: 600_000 });
  });
  after(() => folder.remove());

  // NIST's schema gives `$id`s to its definitions that `$ref`s name again by their place; strict mode refuses both.
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(JSON.parse(SCHEMA.toString()) as AnySchemaObject);
  const errorsOf = (document: unknown) => {
    validate(document);
    return validate.errors ?? [];
  };

  async function gather(framework: string, path: string, ...more: string[]) {
    const { code, bytes } = await runCli(['evidence', '--framework', framework, ...more, path, '-o', '-']);
    const files = unzipSync(bytes);
    const document = JSON.parse(Buffer.from(files[OSCAL_NAME]!).toString()) as Document;
    return { code, files, document, results: document['assessment-results'] };
  }

  it('is held against the schema that NIST has published', () => {
    expect(createHash('sha256').update(SCHEMA).digest('hex')).to.equal(
      'd9e34757f0c12aff61f52b821f0b8f83ba0ba75b3a149a202b08ba82f82bc4c3',
    );
  });

  for (const framework of FRAMEWORKS)
    it(`is valid for ${framework}, reviews each of its clauses, and calls none of them satisfied`, async () => {
      const { code, document, results, files } = await gather(framework, log);
      expect(code).to.equal(0);
      expect(errorsOf(document)).to.deep.equal([]);
      const [result] = results.results;
      const reviewed = result!['reviewed-controls']['control-selections'][0]!['include-controls'];
      expect(reviewed.map((each) => each['control-id'])).to.have.members(
        Object.keys(CLAUSES[framework]).map((clause) => controlId(framework, clause)),
      );
      expect(result!.findings).to.equal(undefined);
      const resources = results['back-matter'].resources;
      expect(resources.map(({ uuid }) => `#${uuid}`)).to.include(results['import-ap'].href);
      for (const { href } of resources.flatMap(({ rlinks }) => rlinks)) expect(files).to.have.property(href);
      for (const { subjects, remarks, ...observation } of result!.observations) {
        expect(resources.map(({ uuid }) => uuid)).to.include(subjects[0]!['subject-uuid']);
        for (const { href } of observation['relevant-evidence'] ?? []) expect(files).to.have.property(href);
        expect(remarks).to.match(/^Cannot show: .{8,} Needs other evidence: .{20,}/);
      }
      const uuids = [
        results.uuid,
        ...resources.map(({ uuid }) => uuid),
        ...result!.observations.map(({ uuid }) => uuid),
      ];
      expect(new Set(uuids).size).to.equal(uuids.length);
    });

  it('would be refused by the schema without what is required, or with a finding of another form', async () => {
    const { document, results } = await gather('nist', log);
    const [result] = results.results;
    for (const spoil of [
      () => (results.uuid = 'not a uuid'),
      () => (results.metadata['last-modified'] = '2026-01-01'),
      () => (result!.observations[0]!.props[0]!.value = ' '),
      () => Reflect.deleteProperty(result!, 'reviewed-controls'),
    ]) {
      const before = errorsOf(document).length;
      spoil();
      expect(errorsOf(document).length).to.be.greaterThan(before);
    }
  });

  it('has the ids of NIST’s catalog for its controls', () => {
    expect(controlId('nist', 'AU-9(3)')).to.equal('au-9.3');
    expect(controlId('fedramp', 'AU-12')).to.equal('au-12');
    expect(controlId('dora', '12(2)(c)(iv)')).to.equal('dora-12.2.c.iv');
    for (const framework of FRAMEWORKS) {
      const ids = Object.keys(CLAUSES[framework]).map((clause) => controlId(framework, clause));
      expect(new Set(ids).size).to.equal(ids.length);
    }
  });

  it('has the times of the records, and other UUIDs for another period', async () => {
    const period = ['--from', '2026-01-06', '--to', '2026-01-06'];
    const [one, same, other] = [
      await gather('fedramp', log, ...period),
      await gather('fedramp', log, ...period),
      await gather('fedramp', log, '--from', '2026-01-05', '--to', '2026-01-05'),
    ];
    expect(same.document).to.deep.equal(one.document);
    expect(other.results.uuid).to.not.equal(one.results.uuid);
    const { start, end } = one.results.results[0]!;
    expect([start, end.slice(0, 10)]).to.deep.equal(['2026-01-06T00:00:00.000Z', '2026-01-06']);
  });

  it('is valid where nothing was recorded, and says that of each observation', async () => {
    for (const period of [[], ['--from', '2030-01-01'], ['--to', '2020-01-01']]) {
      writeFileSync(at('empty.jsonl'), '');
      const { document, results } = await gather('aiact', at('empty.jsonl'), ...period);
      expect(errorsOf(document)).to.deep.equal([]);
      const counts = results.results[0]!.observations.flatMap(({ props }) =>
        props.filter(({ name }) => name === 'records-found').map(({ value }) => value),
      );
      expect(counts).to.have.length.greaterThan(5);
      expect(new Set(counts)).to.deep.equal(new Set(['0']));
    }
  });

  it('finds of a log that was altered that logs are not protected from it, and of one that is not sealed nothing', async () => {
    await writeSealedSampleLog(at('altered.jsonl'), { records: 120 });
    const text = readFileSync(at('altered.jsonl'), 'utf8');
    writeFileSync(at('altered.jsonl'), text.replace('"duration_ms":', '"duration_ms":1'));
    const { code, document, results } = await gather('fedramp', at('altered.jsonl'));
    expect(code).to.equal(1);
    expect(errorsOf(document)).to.deep.equal([]);
    const [{ findings, observations }] = results.results as [Document['assessment-results']['results'][0]];
    expect(findings).to.have.length(1);
    expect([findings![0]!.target['target-id'], findings![0]!.target.status.state]).to.deep.equal([
      'au-9_smt.a',
      'not-satisfied',
    ]);
    const [related] = findings![0]!['related-observations'];
    expect(observations.map(({ uuid }) => uuid)).to.include(related!['observation-uuid']);

    writeSampleLog(at('plain.jsonl'), { records: 50 });
    const plain = await gather('fedramp', at('plain.jsonl'));
    expect(plain.results.results[0]!.findings).to.equal(undefined);
    expect(errorsOf(plain.document)).to.deep.equal([]);
  });
});
