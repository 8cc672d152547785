import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package of SDK v1. */
export const SDK_V1 = '@modelcontextprotocol/sdk';
/** The package that holds the client of SDK v2. */
export const SDK_V2 = '@modelcontextprotocol/client';

/** An installed copy of a package of the SDK, as far as its `package.json` tells. */
export interface SdkCopy {
  readonly name: string;
  readonly version: string | undefined;
  readonly path: string;
}

/** Semantic Versioning 2.0.0: three numbers, perhaps a pre-release after a hyphen, perhaps build metadata after a plus. */
const SEMVER = /^v?(\d+)\.(\d+)\.(\d+)(?:-[\w.-]+)?(?:\+[\w.-]+)?$/;

/**
 * Whether clients of this version can be patched: 1.10 and later 1.x of v1, and 2.x of v2, their pre-releases included. A
 * copy that does not say its version is judged by what it exports.
 */
export function isSupported(name: string, version: string | undefined): boolean {
  if (version === undefined) return true;
  const match = SEMVER.exec(version.trim());
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return name === SDK_V2 ? major === 2 : major === 1 && minor >= 10;
}

/** The versions that can be patched, for people. */
export const SUPPORTED = `${SDK_V1} from 1.10.0 (1.x) and ${SDK_V2} 2.x`;

/** The copy of the SDK that a file belongs to, by its path or its URL; undefined where it belongs to none. */
export function copyOf(file: string): SdkCopy | undefined {
  const installed = packageOf(file);
  return installed?.name === SDK_V1 || installed?.name === SDK_V2 ? installed : undefined;
}

/** The package that a file belongs to, by its path or its URL; undefined where that cannot be known. */
export function packageOf(file: string): SdkCopy | undefined {
  try {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const { name, version } = manifestIn(folder);
      // Folders of a package have manifests without a name, which say what kind of modules they hold.
      if (typeof name === 'string')
        return { name, version: typeof version === 'string' ? version : undefined, path: folder };
      if (dirname(folder) === folder) return undefined;
    }
  } catch {
    return undefined;
  }
}

function manifestIn(folder: string): { readonly name?: unknown; readonly version?: unknown } {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? manifest : {};
  } catch {
    return {};
  }
}
