// Which file of the package a source goes into.
import { dirname, join, relative, sep } from 'node:path';

/** The top level's own files, by what they serve; a folder is a file of its own. */
const TOP = new Map([
  ['config', ['config.ts', 'identity.ts']],
  ['base', ['runtime.ts', 'duration.ts', 'validate.ts', 'errors.ts', 'pages.ts', 'shared.ts', 'version.ts']],
  // Apart from the rest of the base, which does without OpenTelemetry.
  ['say', ['say.ts']],
]);

function layerOf(path) {
  const folder = dirname(path).split(sep)[0];
  if (folder !== '.') return folder;
  return [...TOP].find(([, files]) => files.includes(path))?.[0];
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
