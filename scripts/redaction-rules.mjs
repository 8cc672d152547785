// Compares the catalogue of keys with a list of rules that others search for, such as gitleaks' configuration:
//   npm run redaction:rules -- gitleaks.toml
// The file names a rule on each line, or in lines `id = "name"`. Prints the rules that the catalogue does not know.
import { readFileSync } from 'node:fs';
import { SHAPES } from '../lib/redaction/detectors/shapes.ts';
import { HELD_ELSEWHERE, NAMED_KEYS } from '../lib/redaction/keys/nameLists.ts';

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('name a file of rules: npm run redaction:rules -- gitleaks.toml');
const text = readFileSync(path, 'utf8');
const ids = [...text.matchAll(/^id = "([^"]+)"/gm)].map(([, id]) => id);
const rules = ids.length > 0 ? ids : text.split('\n').map((line) => line.trim());
const known = new Set([...[...SHAPES, ...NAMED_KEYS].map(([name]) => name), ...Object.keys(HELD_ELSEWHERE)]);
const missing = rules.filter((rule) => rule !== '' && !known.has(rule));

for (const rule of missing) process.stdout.write(`missing: ${rule}\n`);
process.stdout.write(`${rules.length} rules, ${missing.length} missing\n`);
process.exitCode = missing.length === 0 ? 0 : 1;
