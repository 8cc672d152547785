import type { Command } from './command.js';

/** A module that holds a command. */
interface CommandModule {
  readonly command: Command;
}

/** Every command, in the order that `--help` lists them. Each is loaded only when it is called for. */
export const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  query: () => import('./query/command.js'),
  tail: () => import('./tail/command.js'),
  report: () => import('./report/command.js'),
  evidence: () => import('./bundle/command.js'),
  export: () => import('./export/command.js'),
  verify: () => import('./verify.js'),
  prove: () => import('./prove.js'),
  'check-proof': () => import('./checkProof.js'),
  consistency: () => import('./consistency.js'),
  'export-tiles': () => import('./exportTiles.js'),
  witness: () => import('./witness/command.js'),
  keygen: () => import('./keygen.js'),
  init: () => import('./init/command.js'),
  doctor: () => import('./doctor.js'),
  redact: () => import('./redact.js'),
};
