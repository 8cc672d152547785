import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { pack } from '../matrix/projects.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const SERVER = '@modelcontextprotocol/server-everything';
const PACKAGES = ['@opentelemetry/api@1.9', '@modelcontextprotocol/sdk@1', SERVER];
const IMPORTS = `import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
`;
const CALL = `
  const client = new Client({ name: 'app', version: '1.0.0' });
  const args = ['node_modules/${SERVER}/dist/index.js', 'stdio'];
  await client.connect(new StdioClientTransport({ command: 'node', args, stderr: 'ignore' }));
  await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  await client.close();
`;
const PROGRAM = `import http from 'node:http';
${IMPORTS}http.createServer(async (_, response) => {${CALL}  response.end('called');
}).listen(Number(process.env.PORT));
`;

interface Launcher {
  /** Makes the project with the launcher's own tool, in a folder of that name. */
  make(folder: string): void;
  /** What runs before the start, by whom it is audited as well. */
  readonly build?: readonly string[];
  readonly start: readonly string[];
  readonly stop?: readonly string[];
  readonly path?: string;
}

const npx = (cwd: string, ...args: string[]) =>
  execFileSync('npx', ['--yes', ...args], { cwd, stdio: 'pipe', timeout: 300_000 });

/** A program of our own, which a tool from npm starts. */
const program = (tool: string, start: string): Pick<Launcher, 'make'> => ({
  make(folder) {
    const project = join(folder, 'app');
    mkdirSync(project);
    const manifest = { private: true, type: 'module', scripts: { start } };
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest, null, 2));
    writeFileSync(join(project, 'app.js'), PROGRAM);
    execFileSync('npm', ['install', '--silent', tool], { cwd: project, stdio: 'pipe' });
  },
});

const NEXT: Pick<Launcher, 'make' | 'path'> = {
  path: '/call',
  make(folder) {
    npx(
      folder,
      'create-next-app@latest',
      'app',
      '--yes',
      '--ts',
      '--app',
      '--empty',
      '--no-eslint',
      '--no-tailwind',
      '--use-npm',
      '--disable-git',
    );
    const project = join(folder, 'app');
    const route = `${IMPORTS}export const GET = async () => {${CALL}  return new Response('called');\n};\n`;
    mkdirSync(join(project, 'app', 'call'));
    writeFileSync(join(project, 'app', 'call', 'route.ts'), route);
    const external = "export default { serverExternalPackages: ['@modelcontextprotocol/sdk'] };\n";
    writeFileSync(join(project, 'next.config.ts'), external);
  },
};

const NEST: Pick<Launcher, 'make'> = {
  make(folder) {
    npx(folder, '@nestjs/cli@latest', 'new', 'app', '--package-manager', 'npm', '--skip-git');
    const source = join(folder, 'app', 'src');
    const service = `import { Injectable } from '@nestjs/common';
${IMPORTS}@Injectable()
export class AppService {
  async getHello(): Promise<string> {${CALL}  return 'called';
  }
}
`;
    writeFileSync(join(source, 'app.service.ts'), service);
    const controller = join(source, 'app.controller.ts');
    writeFileSync(controller, readFileSync(controller, 'utf8').replace(': string', ': Promise<string>'));
  },
};

const LAUNCHERS: Readonly<Record<string, Launcher>> = {
  'next build and next start': { ...NEXT, build: ['npm', 'run', 'build'], start: ['npm', 'start'] },
  'next dev': { ...NEXT, start: ['npm', 'run', 'dev'] },
  'nest start': { ...NEST, start: ['npm', 'start'] },
  'nest start --watch': { ...NEST, start: ['npm', 'run', 'start:dev'] },
  nodemon: { ...program('nodemon', 'nodemon app.js'), start: ['npm', 'start'] },
  'vite-node': { ...program('vite-node', 'vite-node app.js'), start: ['npm', 'start'] },
  'pm2-runtime': { ...program('pm2', 'pm2-runtime app.js'), start: ['npm', 'start'] },
  'pm2 start': {
    ...program('pm2', 'pm2 start app.js'),
    start: ['npm', 'start'],
    stop: ['npx', 'pm2', 'kill'],
  },
};

describe('otel-mcp-log init, in a project that a launcher starts', function () {
  this.timeout(600_000);
  const folder = temporaryFolder();
  let tarball: string;
  before(() => (tarball = pack()));
  after(() => folder.remove());

  for (const [name, { make, build, start, stop, path = '/' }] of Object.entries(LAUNCHERS))
    it(`makes ${name} write the calls of its application into one log, by what it says`, async () => {
      const place = join(folder.path, name.replaceAll(/\W+/g, '-'));
      mkdirSync(place);
      make(place);
      const cwd = join(place, 'app');
      execFileSync('npm', ['install', '--silent', '--no-audit', tarball, ...PACKAGES], {
        cwd,
        stdio: 'pipe',
      });
      const said = spawnedInit(cwd);
      const options = /set NODE_OPTIONS='([^']+)'/.exec(said)?.[1];
      expect(options, said).to.be.a('string');
      const port = await freePort();
      const env = {
        ...process.env,
        NODE_OPTIONS: options,
        PORT: String(port),
        PM2_HOME: join(cwd, '.pm2'),
        NEXT_TELEMETRY_DISABLED: '1',
      };
      if (build !== undefined) execFileSync(build[0]!, build.slice(1), { cwd, env, stdio: 'pipe' });
      rmSync(join(cwd, 'audit.jsonl'), { force: true });
      const running = spawn(start[0]!, start.slice(1), { cwd, env, detached: true, stdio: 'pipe' });
      try {
        expect(await answerOf(`http://127.0.0.1:${port}${path}`, running, stop !== undefined)).to.equal(
          'called',
        );
        const resources = readFileSync(join(cwd, 'audit.jsonl'), 'utf8').match(/(?<="resource":")[^"]+/g);
        expect(resources).to.deep.equal(['audit/start', 'session/initialize', 'tools/echo', 'session/close']);
      } finally {
        if (stop !== undefined) execFileSync(stop[0]!, stop.slice(1), { cwd, env, stdio: 'pipe' });
        await end(running);
      }
    });
});

function spawnedInit(cwd: string): string {
  const log = join(cwd, 'init.txt');
  execFileSync('sh', ['-c', 'npx otel-mcp-log init --yes 2> init.txt'], { cwd, stdio: 'pipe' });
  return readFileSync(log, 'utf8');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What the application answers once it listens; throws with what was printed where the launcher ends before. */
async function answerOf(url: string, launcher: ChildProcess, isDaemon: boolean): Promise<string> {
  let printed = '';
  for (const stream of [launcher.stdout, launcher.stderr])
    stream?.on('data', (text: Buffer) => (printed += text.toString()));
  for (let tries = 0; tries < 120; tries++) {
    if (launcher.exitCode !== null && !isDaemon) break;
    try {
      return await (await fetch(url)).text();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  throw new Error(`nothing answered at ${url}: ${printed}`);
}

/** Ends a launcher with all that it has started. */
async function end({ pid, exitCode }: ChildProcess): Promise<void> {
  if (pid === undefined || exitCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
  await Promise.resolve();
}
