import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A machine of its own, as far as a process can see: process ids, and a host name. */
export interface Namespaces {
  /** The name of the host. */
  readonly host?: string;
  /** Whether the program flock(1), and with it the kernel's lock, is missing as in an image without a shell. */
  readonly withoutFlock?: boolean;
  /** Whether /proc stays that of the machine outside. */
  readonly foreignProc?: boolean;
}

/** Whether this machine lets us make namespaces: as root, on Linux. */
export const canUnshare =
  process.platform === 'linux' &&
  spawnSync('unshare', ['--pid', '--uts', '--mount', '--fork', '--mount-proc', 'true']).status === 0;

/** A command that starts another one in namespaces of its own; it ends with the command, so that no test leaves it behind. */
export function inNamespaces({ host, withoutFlock = false, foreignProc = false }: Namespaces): string[] {
  const steps = [
    ...(host === undefined ? [] : [`hostname ${host}`]),
    ...(withoutFlock
      ? ['for f in /usr/bin/flock /bin/flock; do if [ -e $f ]; then mount --bind /dev/null $f; fi; done']
      : []),
    'exec "$@"',
  ];
  const proc = foreignProc ? [] : ['--mount-proc'];
  return [
    'unshare',
    '--pid',
    '--uts',
    '--mount',
    '--fork',
    '--kill-child',
    ...proc,
    'sh',
    '-c',
    steps.join('; '),
    'sh',
  ];
}

/** The process that `unshare --fork` has started, by its number outside of the namespace. */
export function insideOf(unsharePid: number): number {
  const children = readFileSync(`/proc/${unsharePid}/task/${unsharePid}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}
