import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exportTiles } from '../../integrity/proving.js';
import { ExitCode, systemPath, systemReason, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import {
  asFinding,
  checkpointNote,
  keyFiles,
  keysFor,
  onlyOperand,
  VKEY_OPTION,
} from '../integrity/judgement.js';
import { OutputGuard, realOf, unwritable } from '../term/output.js';
import { TemporaryFolder } from '../term/temporaryFile.js';
import { plural } from '../term/units.js';

/** `export-tiles`: a sealed log as static files for C2SP clients. */
export const command = defineCommand({
  name: 'export-tiles',
  summary: 'Write a sealed log as a C2SP tiled log: static files that monitors and witnesses read',
  usage: 'LOG -o DIR',
  about: `
Writes the folder that a C2SP tlog-tiles log serves (c2sp.org/tlog-tiles): checkpoint, tile/LEVEL/N and
tile/entries/N. Any web server can serve it. It holds the records themselves: mind who may read it.`,
  options: {
    output: { type: 'string', short: 'o', value: 'DIR', help: 'an empty or new folder' },
    checkpoint: { type: 'string', value: 'FILE', help: 'the checkpoint, if not the one beside the log' },
    vkey: VKEY_OPTION,
  },
  examples: [
    ['otel-mcp-log export-tiles audit.jsonl -o tiles --vkey audit.vkey', 'the log, ready to be served'],
  ],
  exits: [
    [0, 'all files were written'],
    [1, 'the log does not lead to its checkpoint, or a line is longer than 65,535 bytes'],
  ],
  reads: true,
  async run({ options, operands, io }) {
    if (options.output === undefined) throw usageFailure('no folder is given (-o DIR)');
    return exportLogTiles(onlyOperand(operands, 'log'), options.output, options, io);
  },
});

/** Writes the tiles of a log to a folder and says so: for this command, and for whatever exports in other forms. */
export async function exportLogTiles(
  log: string,
  directory: string,
  { checkpoint, vkey }: { readonly checkpoint?: string; readonly vkey?: readonly string[] },
  io: CommandIo,
): Promise<number> {
  const verifiers = await keysFor(log, vkey, io);
  const note = await checkpointNote(log, checkpoint);
  const inputs = [log, checkpoint, ...keyFiles(vkey)].filter((path) => path !== undefined);
  (await OutputGuard.over(inputs)).check(directory);
  const target = realOf(resolve(directory));
  await requireEmpty(target, directory);
  // It comes to its name when it is whole: half a log would be taken for a short one.
  const folder = await TemporaryFolder.for(target).catch((error: unknown) => {
    throw unwritable(directory, error);
  });
  try {
    const files = await asFinding(() => exportTiles(log, folder.path, note, verifiers));
    await folder.finish();
    io.stdout.write(`${plural(files, 'file')} written to ${directory}\n`);
    return ExitCode.ok;
  } catch (error) {
    await folder.discard();
    throw isOf(error, folder.path) ? unwritable(directory, error) : error;
  }
}

/** Tiles of an older or another log among these would be taken for theirs. */
async function requireEmpty(target: string, directory: string): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unwritable(directory, error);
  });
  if (names.length > 0) throw usageFailure(`${directory}: the folder is not empty`);
}

/** Whether an error of the file system is of something in a folder. */
function isOf(error: unknown, folder: string): boolean {
  return systemPath(error)?.startsWith(folder) ?? systemReason(error) !== undefined;
}
