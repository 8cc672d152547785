import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import { diagnose } from '../../lib/doctor/doctor.js';
import { json, result, startRaw } from '../relay/rawHttpServer.js';
import { runCommand } from '../support/runCommand.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const CURSOR = 'home/.cursor/mcp.json';

describe('otel-mcp-log init --assistants, of servers over HTTP', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let env: Record<string, string>;
  const SECRET = 'Bearer s3cr3t-of-the-test';
  /** Each as its vendor's page writes it, and what cannot be carried over beside it. */
  const REMOTES: Readonly<Record<string, string>> = {
    'project/.vscode/mcp.json': `{
  // tickets of the team
  "servers": {
    "tickets": {
      "type": "http", // streamable
      "url": "https:\\/\\/mcp.example.com/mcp",
      "headers": { "Authorization": "${SECRET}", "X-Region" : "\${input:region}" }
    },
    "sse": { "url": "https://mcp.example.com/sse", "type":"sse", "headers": {
      "X-Api-Key": "${SECRET}", // the key
    }, },
    "open": { "url": "http://localhost:3000/mcp" },
    "oauth": { "url": "https://mcp.example.com/mcp", "oauth": { "clientId": "x" }, "headers": { "X-Key": "k" } },
    "strange": { "url": "https://mcp.example.com/mcp", "sandbox": true, "headers": { "X-Key": "k" } },
    "secretPath": { "url": "https://mcp.example.com/s/a8f7d6e5c4b3a2918070/mcp", "headers": { "X-Key": "k" } },
    "query": { "url": "https://mcp.example.com/mcp?api_key=x", "headers": { "X-Key": "k" } },
    "variable": { "url": "https://\${env:HOST}/mcp", "headers": { "X-Key": "k" } },
    "twice": { "url": "https://a.example", "serverUrl": "https://b.example", "headers": { "X-Key": "k" } }
  }
}
`,
    'home/.codeium/windsurf/mcp_config.json': `{"mcpServers":{"a":{"disabled":false,"serverUrl":"https://mcp.example.com/mcp","headers":{"API_KEY":"${SECRET}"},"alwaysAllow":["x"]}}}`,
    'home/.gemini/settings.json': `{\r\n\t"mcpServers": {\r\n\t\t"g": {\r\n\t\t\t"headers": {\r\n\t\t\t\t"Authorization": "${SECRET}"\r\n\t\t\t},\r\n\t\t\t"httpUrl": "https://mcp.example.com/mcp",\r\n\t\t\t"timeout": 5000\r\n\t\t}\r\n\t}\r\n}\r\n`,
    'home/.codex/config.toml': `model = "o9" # mine

[mcp_servers.bearer]
url = "https://mcp.example.com/mcp" # tickets
bearer_token_env_var = "TICKETS_TOKEN"
enabled_tools = [
  "a",
]

  [mcp_servers.headers]
  http_headers = { "Authorization" = "${SECRET}", X-Region = 'eu' }
  url = 'https://mcp.example.com/mcp?tags=[a]'

[mcp_servers.byEnv]
url = "https://mcp.example.com/mcp"
env_http_headers = { "Authorization" = "TICKETS" }

[mcp_servers.apart]
url = "https://mcp.example.com/mcp"
[mcp_servers.apart.http_headers]
Authorization = "x"
`,
    'home/.config/opencode/opencode.json': `{
  "mcp": {
    "r": {
      "type": "remote",
      "url": "https://mcp.example.com/mcp",
      "headers": { "Authorization": "Bearer {env:TOKEN}" },
      "enabled": true
    }
  }
}
`,
    'home/.config/zed/settings.json': `{ "context_servers": { "z": { "url": "https://mcp.example.com/mcp", "headers": { "Authorization": "\${TOKEN}" } } } }`,
  };
  const now = () => Object.fromEntries(Object.keys(REMOTES).map((path) => [path, read(path)]));
  beforeEach(() => {
    folder = temporaryFolder();
    env = { HOME: join(folder.path, 'home') };
    for (const [path, text] of Object.entries(REMOTES)) {
      mkdirSync(dirname(join(folder.path, path)), { recursive: true });
      writeFileSync(join(folder.path, path), text);
    }
  });
  afterEach(() => folder.remove());

  const init = (...options: string[]) =>
    runCommand(['init', ...options, join(folder.path, 'project')], '', env);
  const read = (path: string) => readFileSync(join(folder.path, path), 'utf8');
  const relayedServers = async () => {
    const findings = await diagnose({ cwd: join(folder.path, 'project'), env, offline: true });
    const names = findings.filter(({ topic }) => topic === 'relayed');
    return names.flatMap(({ message }) => message.split(' of ')[0]!.split(', ')).sort();
  };

  it('puts a relay in their place, with no secret on a command line, and puts them back to the byte', async () => {
    const shown = await init('--assistants');
    expect(shown.code, shown.err).to.equal(0);
    expect(shown.out + shown.err).not.to.include('s3cr3t');
    expect(now()).to.deep.equal(REMOTES);
    for (const [name, reason] of [
      ['open', 'no credentials'],
      ['oauth', 'logs in by itself \\(oauth\\)'],
      ['strange', 'sandbox'],
      ['secretPath', 'address may hold a secret'],
      ['query', 'address may hold a secret'],
      ['variable', 'has a variable'],
      ['twice', 'twice'],
      ['byEnv', 'env_http_headers'],
      ['apart', 'cannot be changed safely'],
      ['z', 'has a variable'],
    ])
      expect(shown.err).to.match(new RegExp(`: ${name} is left as it is: .*${reason}`));

    expect((await init('--assistants', '--write')).code).to.equal(0);
    expect(await relayedServers()).to.deep.equal(['a', 'bearer', 'g', 'headers', 'r', 'sse', 'tickets']);
    const relayed = now();
    for (const text of Object.values(relayed))
      for (const line of text.split('\n').filter((each) => each.includes('--url')))
        for (const [list] of line.matchAll(/\["?(?:npx|-y)[^\]]*\]/g)) expect(list).not.to.include('s3cr3t');
    expect(relayed['project/.vscode/mcp.json'])
      .to.include('"type": "stdio", // streamable\n      "command": "npx",\n      "args": ["-y", ')
      .and.to.include('"--header-env=Authorization: MCP_HEADER_AUTHORIZATION"')
      .and.to.include(
        `"env": { "MCP_HEADER_AUTHORIZATION": "${SECRET}", "MCP_HEADER_X_REGION" : "\${input:region}" }`,
      );
    expect(relayed['home/.codex/config.toml'])
      .to.include('"--header=Authorization: Bearer ${TICKETS_TOKEN}"')
      .and.to.include('env_vars = ["TICKETS_TOKEN"]');
    expect(relayed['home/.config/opencode/opencode.json'])
      .to.include('"type": "local",\n      "command": ["npx", "-y", "otel-mcp-log", "relay", ')
      .and.to.include('"environment": { "MCP_HEADER_AUTHORIZATION": "Bearer {env:TOKEN}" }');
    expect((await init('--assistants', '--write')).err, 'a second time').to.include('Nothing to do');
    expect(now()).to.deep.equal(relayed);

    const undone = await init('--undo', '--write');
    expect(undone.out + undone.err).not.to.include('s3cr3t');
    expect(now()).to.deep.equal(REMOTES);
  });

  it('asks for an option before it takes the login from an assistant', async () => {
    expect((await init('--assistants', '--no-login', '--write')).code).to.equal(0);
    expect(await relayedServers()).to.include('open');
    expect((await init('--undo', '--write')).code).to.equal(0);
    expect(now()).to.deep.equal(REMOTES);
    expect((await init('--no-login')).code).to.equal(2);
  });

  it('takes a server with a command as one that is started, whatever else it has', async () => {
    const path = 'home/.codeium/windsurf/mcp_config.json';
    const both = '{"mcpServers":{"both":{"command":"mcp-both","url":"https://mcp.example.com/mcp"}}}';
    writeFileSync(join(folder.path, path), both);
    const { code, err } = await init('--assistants', '--write');
    expect(code, err).to.equal(0);
    expect(read(path)).to.match(/"--", "mcp-both"\],"url":"https/);
    await init('--undo', '--write');
    expect(read(path)).to.equal(both);
  });

  it('does not put back a server whose relay has got more since', async () => {
    await init('--assistants', '--write');
    const path = 'home/.codeium/windsurf/mcp_config.json';
    const more = read(path).replace('"env":{', '"env":{"OTEL_MCP_LOG_ACTOR":"ada",');
    writeFileSync(join(folder.path, path), more);
    const { err } = await init('--undo', '--write');
    expect(err).to.include(
      'a is left as it is: its environment has more than the headers of the server: OTEL_MCP_LOG_ACTOR',
    );
    expect(read(path)).to.equal(more);
  });

  it('writes what the server answers by, with its header', async () => {
    const got: (string | undefined)[] = [];
    const server = await startRaw(({ body, headers }, response) => {
      got.push(headers['x-api-key'] as string | undefined);
      const { id, method } = JSON.parse(body.toString() || '{}') as { id?: number; method?: string };
      const capabilities = { tools: {} };
      const about = {
        protocolVersion: '2025-06-18',
        capabilities,
        serverInfo: { name: 's', version: '1' },
      };
      if (id === undefined) return void response.writeHead(body.length === 0 ? 405 : 202).end();
      json(response, result(id, method === 'initialize' ? about : { tools: [] }));
    });
    const entry = { type: 'http', url: server.url.href, headers: { 'X-Api-Key': SECRET } };
    mkdirSync(join(folder.path, 'home/.cursor'), { recursive: true });
    writeFileSync(join(folder.path, CURSOR), JSON.stringify({ mcpServers: { tickets: entry } }));
    const logs = join(folder.path, 'logs');
    await init('--assistants', '--write', '--environment', 'test', '--logs', logs);
    const { mcpServers } = JSON.parse(read(CURSOR)) as {
      mcpServers: Record<string, { args: string[]; env: Record<string, string> }>;
    };
    const { args, env: own } = mcpServers['tickets']!;
    const client = new Client({ name: 'desk', version: '1.0.0' });
    const command = ['dist/esm/cli/main.js', ...args.slice(2)];
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: command, env: own, stderr: 'ignore' }),
    );
    expect((await client.listTools()).tools).to.deep.equal([]);
    await client.close();
    await server.close();
    expect(new Set(got.filter((each) => each !== undefined))).to.deep.equal(new Set([SECRET]));
    const [log = ''] = readdirSync(logs);
    const kept = readFileSync(join(logs, log), 'utf8');
    expect(kept).to.include('tools/list').and.not.to.include('s3cr3t');
  });
});
