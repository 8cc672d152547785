import { FRAMEWORKS } from './clauses.js';

/** The form of a bundle. */
export const BUNDLE_FORMAT = 'otel-mcp-log/evidence/v1';
/** Where the manifest stands in a bundle: the last file of it. */
export const MANIFEST_NAME = 'manifest.json';
/** Where the findings stand. */
export const FINDINGS_NAME = 'evidence.json';

/** A file of a bundle. */
export interface BundleFile {
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** A part of a log in a bundle. */
export interface LogSlice {
  /** The log's name, without its folder. */
  readonly name: string;
  /** Where the slice stands in the bundle. */
  readonly path: string;
  /** The folder of its proofs; absent where the log is not sealed. */
  readonly proofs?: string;
  /** Why there are no proofs of a sealed log: what the maker of the bundle found. */
  readonly verdict?: { readonly status: 'broken' | 'untrusted'; readonly sentence: string };
  /** The index of its first record in the whole log. */
  readonly first: number;
  /** How many records it holds. */
  readonly count: number;
  /** How many of them lie within the period. */
  readonly within: number;
}

/** What a bundle holds, with the hash of each file. */
export interface BundleManifest {
  readonly format: typeof BUNDLE_FORMAT;
  readonly generator: string;
  readonly framework: string;
  /** The period, as records write times; absent where it is open. */
  readonly from?: string;
  readonly to?: string;
  readonly logs: readonly LogSlice[];
  readonly files: readonly BundleFile[];
}

/** What was found for one control. */
export interface ControlFinding {
  readonly id: string;
  readonly title: string;
  readonly requirements: readonly string[];
  /** What each of them asks for, in short. */
  readonly asks: readonly string[];
  /** The query, as one would type it; absent where no query can show it. */
  readonly query?: string;
  /** Records that answer the query; absent where there is none. */
  readonly count?: number;
  /** Where the records are listed; absent if there are none, or if they are simply all. */
  readonly results?: string;
  /** How many of them are listed. */
  readonly listed?: number;
  readonly shows: string;
  readonly cannot: string;
  /** The evidence of other systems that is needed beside it. */
  readonly elsewhere: string;
}

/** The content of `evidence.json`. */
export interface BundleFindings {
  readonly framework: string;
  readonly title: string;
  /** Where the text of the framework is published. */
  readonly source: string;
  readonly from?: string;
  readonly to?: string;
  /** Records within the period. */
  readonly records: number;
  /** Places that are missing in the order of the slices. */
  readonly missing: number;
  readonly sealed: boolean;
  readonly controls: readonly ControlFinding[];
  readonly disclaimer: string;
}

/** What evidence is, and what it is not. */
export const DISCLAIMER =
  'This bundle supports an assessment of the controls named in it. It does not confer compliance: whether a control is met is for the assessor to judge, on this and other evidence.';

/** The proofs that a slice can have. */
const PROOFS =
  /^(?:checkpoint|prefix\.json|slice\.consistency|first\.tlog-proof|last\.tlog-proof|earlier-checkpoint|earlier\.consistency|vkey)$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Whether a manifest has the form that bundles have, with nothing in it that leads elsewhere. */
export function isManifest(value: BundleManifest): boolean {
  const { format, framework, from, to, files, logs } = value;
  return (
    format === BUNDLE_FORMAT &&
    FRAMEWORKS.some((name) => name === framework) &&
    [from, to].every((time) => time === undefined || (typeof time === 'string' && TIME.test(time))) &&
    Array.isArray(files) &&
    files.every((file: unknown) => typeof file === 'object' && file !== null) &&
    Array.isArray(logs) &&
    logs.every(isSlice)
  );
}

function isSlice(slice: LogSlice, number: number): boolean {
  if (typeof slice !== 'object' || slice === null) return false;
  const { name, path, proofs, verdict, first, count } = slice;
  return (
    typeof name === 'string' &&
    /^[\w.-]{1,255}$/.test(name) &&
    path === `logs/${number + 1}-${name}` &&
    (proofs === undefined || proofs === `proofs/${number + 1}-${name}`) &&
    (verdict === undefined ||
      (proofs === undefined &&
        (verdict.status === 'broken' || verdict.status === 'untrusted') &&
        typeof verdict.sentence === 'string')) &&
    [first, count].every((value) => Number.isSafeInteger(value) && value >= 0)
  );
}

/** A slice as the manifest has it: nothing but what is known, in the order in which it is written. */
export function canonical({ name, path, first, count, proofs, verdict }: LogSlice, within: number): LogSlice {
  return {
    name,
    path,
    first,
    count,
    within,
    ...(verdict === undefined ? {} : { verdict: { status: verdict.status, sentence: verdict.sentence } }),
    ...(proofs === undefined ? {} : { proofs }),
  };
}

/** Whether a path is one of the proofs of these slices. */
export function isProof(path: string, logs: readonly LogSlice[]): boolean {
  return logs.some(
    ({ proofs }) =>
      proofs !== undefined && path.startsWith(`${proofs}/`) && PROOFS.test(path.slice(proofs.length + 1)),
  );
}
