import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../hooks/fixtures/tracedServer.mjs', import.meta.url));

/** How to start the traced server as a child on stdio, for the stdio transport of either SDK. */
export function tracedOverStdio(otlpUrl: string) {
  const env = { PATH: process.env['PATH'] ?? '', OTLP_URL: otlpUrl };
  return { command: process.execPath, args: [SCRIPT, 'stdio'], env, stderr: 'ignore' as const };
}

/** The traced server over streamable HTTP on loopback. */
export async function tracedOverHttp(otlpUrl: string): Promise<{ url: URL; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [SCRIPT, 'http'], {
    env: { ...process.env, OTLP_URL: otlpUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
