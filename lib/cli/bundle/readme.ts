import { count, plural } from '../term/units.js';
import type { BundleFindings, ControlFinding, LogSlice } from './manifest.js';

/** The first file that one opens: what is here, what it shows, and how to check it without us. */
export function bundleReadme(findings: BundleFindings, slices: readonly LogSlice[]): string {
  const { title, from, to, records, missing, controls, disclaimer } = findings;
  const period = `${from ?? 'the beginning'} to ${to ?? 'the end'}`;
  const lines = [
    `Evidence for ${title}`,
    '='.repeat(13 + title.length),
    '',
    `Period     ${period} (UTC)`,
    `Records    ${count(records)}${missing > 0 ? `, and ${count(missing)} places missing in the order` : ''}`,
    ...slices.map(
      ({ name, path, first, count: held, proofs, verdict }) =>
        `Log        ${name}: ${held === 0 ? 'no record of the period' : `records ${first} to ${first + held - 1}`}, in ${path}${verdict !== undefined ? ` (${verdict.status}: ${verdict.sentence})` : proofs === undefined ? ' (not sealed)' : ''}`,
    ),
    '',
    disclaimer,
    '',
    'What is asked, and what the log shows',
    '-------------------------------------',
    ...controls.flatMap(controlLines),
    '',
    'How to check it',
    '---------------',
    '',
    '  otel-mcp-log verify BUNDLE.zip --vkey KEY',
    '',
    'checks every hash, proof and count here, offline. KEY is the verifier key of the log: take it from its',
    'owner by another way than this bundle. Without our program:',
    '',
    '  - manifest.json names the SHA-256 of every other file.',
    '  - proofs/*/checkpoint is a signed note (C2SP tlog-checkpoint), proofs/*/*.tlog-proof are C2SP',
    '    tlog-proofs of the first and the last record, proofs/*/*.consistency are RFC 6962 consistency',
    '    proofs in the form of C2SP tlog-witness. Leaves are SHA-256(0x00 || line without LF).',
    '  - proofs/*/prefix.json holds the subtree hashes left of the slice: with the lines of the slice',
    '    appended they give the root that slice.consistency begins with.',
    '',
  ];
  return lines.join('\n');
}

function controlLines(control: ControlFinding): string[] {
  return [
    '',
    `${control.requirements.join(', ')}: ${control.title}`,
    ...(control.query === undefined
      ? []
      : [`  Query        ${['otel-mcp-log query', control.query, 'LOG'].filter(Boolean).join(' ')}`]),
    ...(control.count === undefined
      ? []
      : [
          `  Found        ${plural(control.count, 'record')}${control.results === undefined ? '' : `; ${count(control.listed ?? 0)} listed in ${control.results}`}`,
        ]),
    `  Shows        ${control.shows}`,
    `  Cannot show  ${control.cannot}`,
  ];
}
