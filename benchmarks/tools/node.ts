/** The binary that runs what is measured in processes of its own: this one, or another that `--node` has named. */
export function node(): string {
  return process.env['BENCH_NODE'] ?? process.execPath;
}
