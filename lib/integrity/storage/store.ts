import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type CompactRange } from '../tlog/merkle.js';
import { hashFromBase64, hashToBase64, type Hash } from '../tlog/merkle.js';

/** What `state.json` holds: enough to continue a log without reading it again. It is used only if its root is signed. */
export interface SavedState {
  readonly version: 1;
  /** Leaves in the tree. */
  readonly size: number;
  /** The compact range at that size. */
  readonly subtrees: readonly Hash[];
  /** The index of the first record of the segment that the next record goes to, and the byte offset within it. */
  readonly segment: number;
  readonly offset: number;
  /** Whether the writer ended in good order: then nothing follows in the log. */
  readonly closed: boolean;
}

/** The state of a tree, at a place in the log. */
export function stateOf(
  tree: CompactRange,
  place: { segment: number; offset: number },
  closed = false,
): SavedState {
  return { version: 1, size: tree.size, subtrees: [...tree.subtrees], ...place, closed };
}

/** JSON with the hashes in Base64. */
export function formatState(state: SavedState): string {
  return `${JSON.stringify({ ...state, subtrees: state.subtrees.map(hashToBase64) }, undefined, 1)}\n`;
}

/** Nothing when it is damaged in any way: it can be made again. */
export function parseState(text: string): SavedState | undefined {
  try {
    const state = JSON.parse(text) as SavedState;
    const subtrees = state.subtrees.map((text64) => hashFromBase64(text64) ?? '');
    const counts = [state.size, state.segment, state.offset];
    const sound = state.version === 1 && counts.every((n) => Number.isSafeInteger(n) && n >= 0);
    return sound && !subtrees.includes('') ? { ...state, subtrees } : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a file, or nothing if there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Makes the folder of the evidence, for its owner alone. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
}

/**
 * Replaces a file so that at every moment, a power cut included, either the old content or the new one is there.
 *
 * @param durable Whether the new content must be on the disk when this resolves. Default: true.
 */
export async function replaceFile(path: string, content: string | Uint8Array, durable = true): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  if (durable) await syncFolder(dirname(path));
}

/** Adds to the end of a file. */
export async function appendToFile(path: string, content: string, durable = true): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.writeFile(content);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is on the disk only when its folder is. Windows has no such call, nor the need. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
