import { KeyFolder } from '../../../lib/erasure/keyFolder.js';

/** Asks a folder of keys for the keys of persons, and prints each. */
const [path = '', persons = '0'] = process.argv.slice(2);
const keys = new KeyFolder(path, { create: true });
for (let number = 0; number < Number(persons); number++) {
  const key = keys.keyFor(`person-${number}`);
  process.stdout.write(`${key === 'erased' ? key : `${key.id} ${Buffer.from(key.key).toString('hex')}`}\n`);
}
