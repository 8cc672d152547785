import { installNodes } from '../../spec/matrix/projects.js';
import { scratch } from './measure.js';

/** The binary that runs what is measured in processes of its own: this one, or another that `--node` has named. */
export function node(): string {
  return process.env['BENCH_NODE'] ?? process.execPath;
}

/** Node in a major version, installed for a while. */
export function installed(version: string): { readonly binary: string; remove(): void } {
  const { path, remove } = scratch();
  return { binary: installNodes(path, [version]).get(version)!, remove };
}
