import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkModules } from './linkedModules.js';
import { EVERYTHING } from './servers.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The code blocks of a page that begin with the name of the file they are, by that name. */
export function examplesIn(page: string): Map<string, string> {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = text.matchAll(/```js\n\/\/ (\S+\.mjs).*\n([\s\S]*?)```/g);
  return new Map([...blocks].map((match) => [match[1]!, match[0]!.slice(6, -4)]));
}

/** A project of a user who has copied examples into files, and has installed what they import. */
export class ExampleFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'otel-mcp-log-examples-'));

  constructor(examples: ReadonlyMap<string, string>) {
    symlinkSync(root, linkModules(this.path));
    // What `npx -y @modelcontextprotocol/server-everything` would start, without asking a registry.
    mkdirSync(join(this.path, 'bin'));
    writeFileSync(
      join(this.path, 'bin', 'npx'),
      `#!/bin/sh\nexec "${process.execPath}" "${EVERYTHING}" stdio\n`,
      { mode: 0o755 },
    );
    for (const [name, source] of examples) writeFileSync(join(this.path, name), source);
  }

  /** Runs node there; rejects with what it said on stderr where it fails. */
  run(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const PATH = `${join(this.path, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`;
    // No collector listens here: what exports spans gives up soon.
    const env = { ...process.env, PATH, OTEL_EXPORTER_OTLP_TIMEOUT: '200' };
    const options = { cwd: this.path, env, timeout: 30_000 };
    return new Promise((resolve, reject) => {
      execFile(process.execPath, args, options, (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, stderr });
        else reject(new Error(`${args.join(' ')}: ${error.message}\n${stderr}`));
      });
    });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
