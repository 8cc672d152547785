import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import { diagnose } from '../../lib/doctor/doctor.js';
import { EVERYTHING } from '../support/servers.js';
import { runCommand } from '../support/runCommand.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const DESK = 'home/.config/Claude/claude_desktop_config.json';

/** Files as people have them, with what a formatter would change: comments, order, spaces, line ends. */
const FILES: Readonly<Record<string, string>> = {
  [DESK]: `{
  "theme": "dark",
  "mcpServers": {
    "everything": { "command": "${process.execPath}", "args": ["${EVERYTHING}", "stdio"] },
    "plain": {
      "command": "mcp-plain",
      "env": { "KEY": "1e400" }
    },
    "empty": { "args": [ ], "command": "mcp-empty" }
  }
}
`,
  'home/.claude.json':
    '{"numStartups":7,"projects":{"/a":{"mcpServers":{"db":{"type":"stdio","command":"uvx","args":["mcp-db"]}}}},"mcpServers":{}}',
  'project/.vscode/mcp.json': `// shared
{
\t"inputs": [],
\t"servers": {
\t\t/* files of
\t\t   the workspace */
\t\t"files": {
\t\t\t"type": "stdio", // local
\t\t\t"command": "npx",
\t\t\t"args": [
\t\t\t\t"-y", // yes
\t\t\t\t"@modelcontextprotocol/server-filesystem",
\t\t\t\t"\${workspaceFolder}",
\t\t\t],
\t\t},
\t\t"remote": { "type": "http", "url": "https://mcp.example.com/mcp" },
\t},
}
`,
  'project/.cursor/mcp.json':
    '{\r\n  "mcpServers": {\r\n    "git": {\r\n      "command": "uvx",\r\n      "args": [\r\n        "mcp-server-git"\r\n      ]\r\n    }\r\n  }\r\n}\r\n',
  'home/.config/zed/settings.json': `{
  "vim_mode": true,
  "context_servers": {
    "new": { "command": "mcp-new", "args": ["--a"], "env": {} },
    "old": { "command": { "path": "mcp-old", "args": ["x"], "env": {} }, "settings": {} },
    "from-extension": { "settings": {} }
  }
}
`,
  'home/.codex/config.toml': `# of mine
model = "o9"

[mcp_servers.docs] # the docs
args = [
  "-y",   # yes
  'docs-mcp',
]
command = "npx"
env = { "KEY" = "value" }

[mcp_servers."with space"]
command = 'C:\\bin\\mcp.exe'

[mcp_servers.remote]
url = "https://mcp.example.com/mcp"

[mcp_servers.docs.tools]
search = true
`,
  'home/.config/opencode/opencode.json': `{
  "mcp": {
    "local": { "type": "local", "command": ["bun", "x", "my-mcp"], "enabled": true },
    "remote": { "type": "remote", "url": "https://mcp.example.com" }
  }
}
`,
};

describe('otel-mcp-log init --assistants', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = temporaryFolder();
    env = { HOME: join(folder.path, 'home') };
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(folder.path, path)), { recursive: true });
      writeFileSync(join(folder.path, path), text);
    }
  });
  afterEach(() => folder.remove());

  const init = (...options: string[]) =>
    runCommand(['init', ...options, join(folder.path, 'project')], '', env);
  const read = (path: string) => readFileSync(join(folder.path, path), 'utf8');
  const all = () => Object.fromEntries(Object.keys(FILES).map((path) => [path, read(path)]));
  const found = async (topic: string) => {
    const findings = await diagnose({ cwd: join(folder.path, 'project'), env, offline: true });
    const names = findings.filter((each) => each.topic === topic);
    return names.flatMap(({ message }) => message.split(' of ')[0]!.split(', ')).sort();
  };

  it('shows a diff and writes nothing', async () => {
    const { code, out, err } = await init('--assistants');
    expect(code, err).to.equal(0);
    expect(err).to.include('Nothing was written: give --write to write this.');
    expect(err).to.match(/VS Code, .*mcp\.json: remote is left as it is: it has no credentials, .*OAuth/);
    expect(out).to.include('+    "everything": { "command": "npx", "args": ["-y", "otel-mcp-log", "relay", ');
    expect(all()).to.deep.equal(FILES);
    expect(existsSync(join(folder.path, 'home', 'otel-mcp-log'))).to.equal(false);
  });

  it('puts a relay before each server that is started, and takes it out again to the byte', async () => {
    const direct = [
      'db',
      'docs',
      'empty',
      'everything',
      'files',
      'git',
      'local',
      'new',
      'old',
      'plain',
      'with space',
    ];
    const others = ['from-extension', 'remote', 'remote', 'remote'];
    expect(await found('not-relayed')).to.deep.equal([...direct, ...others].sort());
    expect((await init('--assistants', '--write')).code).to.equal(0);
    expect(await found('relayed')).to.deep.equal(direct);
    expect(await found('not-relayed')).to.deep.equal(others);
    expect(statSync(join(folder.path, 'home', 'otel-mcp-log')).mode & 0o777).to.equal(0o700);
    const relayed = all();
    expect(relayed['project/.cursor/mcp.json']).to.include(
      '"command": "npx",\r\n      "args": [\r\n        "-y",\r\n        "otel-mcp-log",\r\n',
    );
    for (const [path, text] of Object.entries(FILES))
      for (const [comment] of text.matchAll(/(?:^|[ \t])(?:\/\/ |# |\/\* ).*$/gm))
        expect(relayed[path], path).to.include(comment);
    expect((await init('--assistants', '--write')).err, 'a second time').to.include('Nothing to do');
    expect(all()).to.deep.equal(relayed);
    const undone = await init('--undo');
    expect(undone.out).to.include('-');
    expect(all(), 'nothing is written untold').to.deep.equal(relayed);
    expect((await init('--undo', '--write')).code).to.equal(0);
    expect(all()).to.deep.equal(FILES);
  });

  it('leaves a relay that somebody wrote, and a file that it cannot read', async () => {
    const own = '{"mcpServers":{"a":{"command":"otel-mcp-log","args":["relay","--","mcp-a"]}}}';
    writeFileSync(join(folder.path, DESK), own);
    writeFileSync(join(folder.path, 'home/.claude.json'), '{"mcpServers":');
    writeFileSync(join(folder.path, 'home/.codex/config.toml'), 'model = ');
    const { code, err } = await init('--assistants', '--write');
    expect(code, err).to.equal(0);
    expect(err).to.match(/\.claude\.json: left as it is: is not JSON/);
    expect(err).to.match(/config\.toml: left as it is: /);
    expect((await init('--undo', '--write')).code).to.equal(0);
    expect([read(DESK), read('home/.claude.json')]).to.deep.equal([own, '{"mcpServers":']);
  });

  it('says where there is nothing to do, and which options belong together', async () => {
    const empty = { HOME: join(folder.path, 'nobody') };
    const { code, err } = await runCommand(['init', '--assistants', join(folder.path, 'nothing')], '', empty);
    expect([code, err]).to.deep.equal([
      0,
      'Nothing to do: no configuration file of an assistant was found.\n',
    ]);
    expect((await init('--write')).code).to.equal(2);
  });

  it('writes a command that the server answers by, and whose log has the calls', async () => {
    const logs = join(folder.path, 'logs');
    await init('--assistants', '--write', '--environment', 'test', '--logs', logs);
    const { mcpServers } = JSON.parse(read(DESK)) as { mcpServers: Record<string, { args: string[] }> };
    const [, , ...args] = mcpServers['everything']!.args;
    const client = new Client({ name: 'desk', version: '1.0.0' });
    // The build in the place of what npx would fetch.
    const command = ['dist/esm/cli/main.js', ...args];
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: command, stderr: 'ignore' }),
    );
    await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    await client.close();
    const [log] = readdirSync(logs).filter((name) => /^claude-desktop-everything-\d+\.jsonl$/.test(name));
    expect(readFileSync(join(logs, log ?? ''), 'utf8')).to.include('"resource":"tools/echo"');
  });
});
