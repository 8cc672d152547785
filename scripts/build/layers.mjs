// Which file of the package a source goes into.
import { dirname, join, relative, sep } from 'node:path';

/** The sources that are not in a file named after their folder. */
const APART = new Map([
  ['config', ['config.ts', 'identity.ts', 'callers.ts', 'origin.ts']],
  ['base', ['errors.ts', 'version.ts']],
  // The rest of `internal` does without OpenTelemetry.
  ['say', [join('internal', 'say.ts')]],
]);

function layerOf(path) {
  const apart = [...APART].find(([, files]) => files.includes(path));
  if (apart !== undefined) return apart[0];
  const folder = dirname(path).split(sep)[0];
  if (folder === 'internal' || folder === 'options') return 'base';
  return folder === '.' ? undefined : folder;
}

/**
 * For Rollup's `manualChunks`: what an entry loads at once is put together by the layer it belongs to. As no layer
 * imports one to its left, no two of these files import each other. The rest is left to Rollup.
 */
export function onWay(lib, entry) {
  let reached;
  return (id, { getModuleInfo }) => {
    reached ??= closure(join(lib, entry), getModuleInfo);
    return reached.has(id) ? layerOf(relative(lib, id)) : undefined;
  };
}

function closure(entry, getModuleInfo) {
  const reached = new Set();
  const open = [entry];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    open.push(...(getModuleInfo(id)?.importedIds ?? []));
  }
  return reached;
}
