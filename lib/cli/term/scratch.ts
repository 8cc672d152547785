import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

/** A new folder (mode 0700) that goes away when the command ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-'));
  folders.add(folder);
  return folder;
}

/** Removes the folders of this command. */
export async function discardScratch(): Promise<void> {
  const gone = [...folders];
  folders.clear();
  await Promise.all(gone.map((folder) => rm(folder, { recursive: true, force: true })));
}
