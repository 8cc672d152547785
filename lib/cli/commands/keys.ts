import { printable } from '../../internal/text.js';
import { keyFolderOf, KEY_OPTIONS } from '../input/unlocked.js';
import { ExitCode, usageFailure } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { plural } from '../term/units.js';

/** `otel-mcp-log keys`: what a folder of keys holds, and its master key. */
export const command = defineCommand({
  name: 'keys',
  summary: 'Look at a folder of keys of persons, or change its master key',
  usage: 'DIR [OPTION…]',
  about: `
Says how many keys the folder holds and how many were destroyed. --rewrap encrypts every file with the
first --master-key; the others decrypt what is there. --readmit makes a new key for a person whose key
was destroyed, so that what is recorded from now on is kept again; what was erased stays erased.`,
  options: {
    'master-key': KEY_OPTIONS['master-key'],
    subject: { type: 'string', value: 'ID', help: 'show the key id of this person, as it stands on record' },
    readmit: { type: 'string', value: 'ID', help: 'make a new key for this person, whose key was destroyed' },
    rewrap: { type: 'boolean', help: 'encrypt every file with the first --master-key' },
    json: { type: 'boolean', help: 'the result as one JSON object' },
  },
  examples: [
    ['otel-mcp-log keys keys', 'what is there'],
    ['otel-mcp-log keys keys --rewrap --master-key new.key --master-key old.key', 'a new master key'],
    ['otel-mcp-log keys keys --subject u-4711', 'to find the records of one person by personal.key_id'],
  ],
  exits: [
    [0, 'done'],
    [1, 'the person has no key, or none that was destroyed; or an erasure is not finished'],
    [3, 'a file of the folder could not be read or written'],
  ],
  run({ options, operands, io }) {
    const [path, ...more] = operands;
    if (path === undefined || more.length > 0) throw usageFailure('keys takes one folder');
    const chosen = [options.subject, options.readmit, options.rewrap].filter((each) => each !== undefined);
    if (chosen.length > 1) throw usageFailure('--subject, --readmit and --rewrap are one at a time');
    if (options.rewrap === true && options['master-key'] === undefined)
      throw usageFailure('--rewrap needs the new --master-key');
    const folder = keyFolderOf({ ...options, keys: path });
    if (folder === undefined) throw usageFailure('keys takes one folder');
    const show = (found: object, text: string) =>
      io.stdout.write(options.json === true ? `${JSON.stringify(found)}\n` : `${printable(text)}\n`);
    if (options.subject !== undefined || options.readmit !== undefined) {
      const id =
        options.subject === undefined ? folder.readmit(options.readmit ?? '') : folder.idOf(options.subject);
      const state = id === undefined ? 'unknown' : folder.stateOf(id);
      const missing =
        options.subject === undefined ? 'no key of this person was destroyed' : 'there is no key';
      show({ ...(id && { key_id: id }), state }, id === undefined ? missing : `${id}: ${state}`);
      return Promise.resolve(id === undefined ? ExitCode.finding : ExitCode.ok);
    }
    if (options.rewrap === true) {
      const written = folder.rewrap();
      show({ rewrapped: written }, `${plural(written, 'file')} encrypted with the new master key`);
      return Promise.resolve(ExitCode.ok);
    }
    const all = [...folder.list()];
    const kept = all.filter(({ state }) => state === 'kept').length;
    const unfinished = all.filter((each) => each.unfinished).map(({ id }) => id);
    show(
      { kept, erased: all.length - kept, unfinished },
      `${plural(kept, 'key')}, and ${all.length - kept} destroyed`,
    );
    if (unfinished.length === 0) return Promise.resolve(ExitCode.ok);
    io.stderr.write(
      `${plural(unfinished.length, 'erasure')} not finished; repeat 'erase --key-id' for ${unfinished.join(', ')}\n`,
    );
    return Promise.resolve(ExitCode.finding);
  },
});
