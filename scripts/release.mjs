// Makes a release: the tarball, its hash, and a bill of materials of what it brings. `--dry-run` does all but publish, and
// tells what a release would refuse; `.ci/run` does that, so that a release holds no surprises.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'release');
const dryRun = process.argv.includes('--dry-run');
const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const run = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: 'utf8' });

refuse(run('git', 'status', '--porcelain') !== '', 'the working tree has changes that are not committed');
refuse(!changelogHas(version), `CHANGELOG.md has no section for ${version}`);

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
const tarball = join(
  out,
  run('npm', 'pack', '--silent', '--pack-destination', out).trim().split('\n').at(-1),
);
const digest = createHash('sha256').update(readFileSync(tarball)).digest('hex');
writeFileSync(`${tarball}.sha256`, `${digest}  ${tarball.split('/').at(-1)}\n`);
const materials = materialsOf(tarball);
writeFileSync(join(out, 'sbom.cdx.json'), `${JSON.stringify(materials, undefined, 2)}\n`);

say(`${name} ${version}: ${tarball}`);
say(`sha256 ${digest}`);
say(`bill of materials: ${materials.components.length} components`);
if (dryRun) say('dry run: not published');
// Provenance needs an identity that only a workflow of the forge has: see .github/workflows/publish.yml.
else run('npm', 'publish', tarball, '--provenance', '--access', 'public');

/** The bill of materials (CycloneDX) of what a user gets who installs the tarball: here, peers count as development's. */
function materialsOf(tarball) {
  const project = mkdtempSync(join(tmpdir(), 'release-'));
  const npm = (...args) => execFileSync('npm', args, { cwd: project, encoding: 'utf8' });
  try {
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name, version, private: true }));
    npm('install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', tarball);
    return JSON.parse(npm('sbom', '--sbom-format', 'cyclonedx'));
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

function changelogHas(wanted) {
  return readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(`\n## [${wanted}] - `);
}

function refuse(isWrong, reason) {
  if (!isWrong) return;
  if (!dryRun) throw new Error(`no release: ${reason}`);
  say(`would refuse: ${reason}`);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
