import { execFileSync } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from '../../spec/matrix/projects.js';
import type { Figures, Question } from '../harness/question.js';
import { inFolder } from '../tools/measure.js';

const PEER = '@opentelemetry/api';
const CASE = 'otel-mcp-log';

/** What npm puts into an empty project: how many packages, of how many bytes. */
function install(packages: readonly string[]): Promise<{ count: number; bytes: number }> {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], {
      cwd: folder,
    });
    const listed = execFileSync('npm', ['ls', '--all', '--parseable'], { cwd: folder, encoding: 'utf8' });
    const modules = join(folder, 'node_modules');
    const files = readdirSync(modules, { recursive: true, encoding: 'utf8' }).map((file) =>
      statSync(join(modules, file)),
    );
    const bytes = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
    return { count: listed.trim().split('\n').length - 1, bytes };
  });
}

export const size: Question = {
  name: 'size',
  asks: 'How large is the package, and what does installing it add to a project that has the API of OpenTelemetry?',
  rounds: 1,
  quick: false,
  ratios: [
    { name: 'tarball, kB', of: (round) => round.of(CASE, 'tarball, kB'), atMost: 400 },
    { name: 'packages added', of: (round) => round.of(CASE, 'packages added'), atMost: 15 },
  ],
  prepare: () => {
    const tarball = pack();
    const measure = async (): Promise<Figures> => {
      const [before, after] = [await install([PEER]), await install([PEER, tarball])];
      return {
        'tarball, kB': statSync(tarball).size / 1e3,
        'packages added': after.count - before.count,
        'installed, MB': (after.bytes - before.bytes) / 1e6,
      };
    };
    return { cases: [{ name: CASE, measure }] };
  },
};
