import type { Command } from './shared/command.js';

/** A module that holds a command. */
interface CommandModule {
  readonly command: Command;
}

/** Every command, in the order that `--help` lists them. Each is loaded only when it is called for. */
export const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  query: () => import('./commands/query.js'),
  tail: () => import('./commands/tail.js'),
  report: () => import('./commands/report.js'),
  evidence: () => import('./commands/evidence.js'),
  export: () => import('./commands/export.js'),
  verify: () => import('./commands/verify.js'),
  prove: () => import('./commands/prove.js'),
  'check-proof': () => import('./commands/checkProof.js'),
  consistency: () => import('./commands/consistency.js'),
  'export-tiles': () => import('./commands/exportTiles.js'),
  witness: () => import('./commands/witness.js'),
  keygen: () => import('./commands/keygen.js'),
  init: () => import('./commands/init.js'),
  doctor: () => import('./commands/doctor.js'),
  redact: () => import('./commands/redact.js'),
};
