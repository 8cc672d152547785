import { createHash } from 'node:crypto';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import { FRAMEWORK_SOURCES, type Framework } from './clauses.js';
import type { BundleFindings, ControlFinding, LogSlice } from './manifest.js';

/** Where the assessment results stand in a bundle. */
export const OSCAL_NAME = 'oscal-assessment-results.json';
/** The release of OSCAL whose schema they follow. */
const OSCAL_VERSION = '1.1.3';
/** The namespace of our property names (`ns` in OSCAL). */
const PROPERTIES = `urn:${PACKAGE_NAME}:oscal`;
/** The namespace of the name-based UUIDs (RFC 9562, section 5.5): chosen at random, once. */
const UUIDS = Buffer.from('6f1c3b0e5d3f4a0c9b7e2a84d1f5c6e9', 'hex');
/** The frameworks whose controls have ids in NIST's catalog of SP 800-53. */
const IN_CATALOG: readonly Framework[] = ['nist', 'fedramp'];
/** The requirement that logs are not altered, where a framework has one: it is not satisfied by a log that was. */
const UNALTERED: { readonly [F in Framework]?: string } = {
  pci: '10.3.2',
  iso: 'A.5.33',
  nist: 'AU-9',
  fedramp: 'AU-9',
  dora: '12(2)(d)',
  sec: '(f)(2)(i)(A)',
};

/** Stands where neither a record nor the period has a time. */
const NO_TIME = '1970-01-01T00:00:00.000Z';

/** When the first and the last record of a bundle were written. */
export interface RecordedSpan {
  readonly earliest: string | undefined;
  readonly latest: string | undefined;
}

/**
 * Writes the findings of a bundle as OSCAL assessment results (https://pages.nist.gov/OSCAL/).
 *
 * What the log shows of each control is an observation. A log alone never shows that a requirement is met, so no finding is
 * `satisfied`; the one finding is that a log was altered, which is `not-satisfied`. Nothing in it is from the time of its making:
 * the same logs give the same document.
 */
export function assessmentResults(
  findings: BundleFindings,
  slices: readonly LogSlice[],
  { earliest, latest }: RecordedSpan,
): object {
  const held = slices.map(({ name, path, first, count, verdict }) => [
    name,
    path,
    first,
    count,
    verdict?.status,
  ]);
  const named = uuidsOf([findings, held]);
  const start = findings.from ?? earliest ?? findings.to ?? NO_TIME;
  const end = latest ?? findings.to ?? start;
  return {
    'assessment-results': {
      uuid: named('document'),
      metadata: {
        title: `Evidence for ${findings.title}`,
        'last-modified': end,
        version: PACKAGE_VERSION,
        'oscal-version': OSCAL_VERSION,
        props: [property('generator', `${PACKAGE_NAME} ${PACKAGE_VERSION}`)],
        remarks: `${findings.disclaimer} Times are those of the records, not of the making of this document.`,
      },
      'import-ap': {
        href: `#${named('plan')}`,
        remarks: 'There is no OSCAL assessment plan: the query of each observation says what was looked for.',
      },
      results: [{ uuid: named('result'), ...resultOf(findings, slices, { named, start, end }) }],
      'back-matter': { resources: [planOf(named), ...slices.map((slice) => resourceOf(slice, named))] },
    },
  };
}

/** Gives each part of the document its UUID. */
type Named = (name: string) => string;

function resultOf(
  findings: BundleFindings,
  slices: readonly LogSlice[],
  { named, start, end }: { named: Named; start: string; end: string },
): object {
  const framework = findings.framework as Framework;
  const broken = slices.filter(({ verdict }) => verdict?.status === 'broken');
  const found = broken.flatMap((slice) => alteredLog(slice, framework, named));
  return {
    title: `What the log shows of ${findings.title}`,
    description: `${findings.records} records of the period; places missing in their order: ${findings.missing}. No requirement is called satisfied: that is for the assessor to judge, on this and other evidence.`,
    start,
    end,
    props: [
      property('records', String(findings.records)),
      property('missing', String(findings.missing)),
      property('sealed', String(findings.sealed)),
    ],
    'reviewed-controls': {
      description: IN_CATALOG.includes(framework)
        ? 'Ids are those of the catalog of NIST SP 800-53 Rev. 5.'
        : 'Without an OSCAL catalog of this framework in use here, an id is the name of the framework and of the clause.',
      links: [{ href: FRAMEWORK_SOURCES[framework], rel: 'reference' }],
      'control-selections': [{ 'include-controls': reviewed(findings, framework) }],
    },
    observations: findings.controls.map((control) => observe(control, slices, { named, collected: end })),
    ...(found.length > 0 ? { findings: found } : {}),
  };
}

function planOf(named: Named): object {
  return {
    uuid: named('plan'),
    title: 'What was looked for',
    description: 'The controls, queries and limits of evidence.json, in the place of an assessment plan.',
    rlinks: [{ href: 'evidence.json', 'media-type': 'application/json' }],
  };
}

function resourceOf({ name, path, first, count }: LogSlice, named: Named): object {
  return {
    uuid: named(path),
    title: name,
    description:
      count === 0
        ? 'No record of the period.'
        : `Records ${first} to ${first + count - 1} of the log, byte for byte.`,
    rlinks: [{ href: path, 'media-type': 'application/jsonl' }],
  };
}

/** UUIDs by name, the same for the same content, and others for any other. */
function uuidsOf(content: unknown): Named {
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return (name) => {
    const hash = createHash('sha1').update(UUIDS).update(`${digest}/${name}`).digest();
    hash[6] = (hash[6]! & 0x0f) | 0x50;
    hash[8] = (hash[8]! & 0x3f) | 0x80;
    return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
}

function property(name: string, value: string): object {
  return { name, ns: PROPERTIES, value };
}

/** The id of a clause: as NIST's catalog has it, `au-9.3` for AU-9(3); for other frameworks one of ours, `pci-10.3.2`. */
export function controlId(framework: Framework, clause: string): string {
  const plain = clause
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '.')
    .replace(/^\.|\.$/g, '');
  return IN_CATALOG.includes(framework) ? plain : `${framework}-${plain}`;
}

function reviewed({ controls }: BundleFindings, framework: Framework): object[] {
  const clauses = new Set(controls.flatMap(({ requirements }) => requirements));
  return [...clauses].map((clause) => ({ 'control-id': controlId(framework, clause) }));
}

function observe(
  control: ControlFinding,
  slices: readonly LogSlice[],
  { named, collected }: { named: Named; collected: string },
): object {
  const { id, title, requirements, query, count, results, shows, cannot, elsewhere } = control;
  return {
    uuid: named(id),
    title,
    description: shows,
    props: [
      property('control', id),
      ...requirements.map((clause) => property('requirement', clause)),
      ...(query === undefined
        ? []
        : [property('query', ['otel-mcp-log query', query, 'LOG'].filter(Boolean).join(' '))]),
      ...(count === undefined ? [] : [property('records-found', String(count))]),
    ],
    methods: ['EXAMINE'],
    types: ['control-objective'],
    subjects: slices.map(({ path, name }) => ({
      'subject-uuid': named(path),
      type: 'resource',
      title: name,
    })),
    ...(results === undefined
      ? {}
      : { 'relevant-evidence': [{ href: results, description: 'The records that answer the query.' }] }),
    collected,
    remarks: `Cannot show: ${cannot} Needs other evidence: ${elsewhere}`,
  };
}

/** The finding that a log is not what was sealed, for the requirement that logs are not altered. */
function alteredLog({ name, path, verdict }: LogSlice, framework: Framework, named: Named): object[] {
  const clause = UNALTERED[framework];
  if (clause === undefined || verdict === undefined) return [];
  const id = controlId(framework, clause);
  return [
    {
      uuid: named(`altered/${path}`),
      title: `${name} is not what was sealed`,
      description: `${name}: ${verdict.sentence}.`,
      target: {
        type: 'statement-id',
        'target-id': IN_CATALOG.includes(framework) ? `${id}_smt.a` : id,
        description: clause,
        status: { state: 'not-satisfied', reason: 'fail' },
      },
      'related-observations': [{ 'observation-uuid': named('tamper-evidence') }],
      remarks: 'A damaged disk leaves the same traces as a change on purpose: find out which it was.',
    },
  ];
}
