import { FRAMEWORKS } from './controls.js';
import { BUNDLE_FORMAT, type BundleManifest, type LogSlice } from './manifest.js';

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
