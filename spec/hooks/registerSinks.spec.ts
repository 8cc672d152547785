import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runNode } from '../support/node.js';
import { startOtlpLogReceiver } from '../support/otlpLogs.js';
import { EVERYTHING } from '../support/servers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const APP = ['--import', 'otel-mcp-log/register', './spec/hooks/fixtures/plain.mjs'];
const CLI = ['dist/esm/cli/main.js'];
const RESOURCES = ['session/initialize', 'tools/echo', 'session/close'];

describe('the sinks of otel-mcp-log/register', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = temporaryFolder();
    env = {
      EVERYTHING,
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_FILE: join(folder.path, 'audit.jsonl'),
    };
  });

  afterEach(() => folder.remove());

  const run = async (over: Record<string, string>) => {
    const { code, stdout, stderr } = await runNode(APP, { ...env, ...over });
    expect([code, stdout], stderr).to.deep.equal([0, 'called\n']);
  };

  for (const protocol of ['http/protobuf', 'http/json']) {
    it(`send log records over OTLP (${protocol}), where OpenTelemetry's variables say @slow`, async () => {
      const receiver = await startOtlpLogReceiver();
      delete env['OTEL_MCP_LOG_FILE'];
      await run({
        OTEL_MCP_LOG_SINKS: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_SERVICE_NAME: 'billing',
      });
      const logs = receiver.logs();
      await receiver.close();
      expect(logs.map(({ body }) => (JSON.parse(body) as AuditRecord).resource)).to.deep.equal(RESOURCES);
      for (const { resource } of logs)
        expect(resource).to.include({ 'service.name': 'billing', 'deployment.environment.name': 'test' });
    });
  }

  it('keep in the spool what a receiver that is away does not have, and send it at the next start @slow', async () => {
    const receiver = await startOtlpLogReceiver();
    delete env['OTEL_MCP_LOG_FILE'];
    const spool = join(folder.path, 'spool');
    const variables = {
      OTEL_MCP_LOG_SINKS: 'http',
      OTEL_MCP_LOG_ENDPOINT: 'http://127.0.0.1:1/records',
      OTEL_MCP_LOG_SPOOL: spool,
    };
    await run(variables);
    expect(readdirSync(spool)).to.deep.equal(['http']);
    expect(receiver.requests).to.have.length(0);
    await run({ ...variables, OTEL_MCP_LOG_ENDPOINT: `${receiver.url}/records` });
    await receiver.close();
    const text = receiver.requests.map(({ body }) => body.toString()).join('\n');
    expect(text.match(/"resource":"tools\/echo"/g), text).to.have.length(2);
  });

  it('seal the file @slow', async () => {
    const key = join(folder.path, 'audit.pem');
    const { stdout, stderr } = await runNode([
      ...CLI,
      'keygen',
      '--origin',
      'audit.example.com/agents',
      '-o',
      key,
    ]);
    const vkey = /audit\.example\.com\/agents\+[0-9a-f]{8}\+\S+/.exec(stdout)?.[0] ?? '';
    expect(vkey, stdout + stderr).not.to.equal('');
    await run({ OTEL_MCP_LOG_INTEGRITY_ORIGIN: 'audit.example.com/agents', OTEL_MCP_LOG_INTEGRITY_KEY: key });
    const file = env['OTEL_MCP_LOG_FILE'] ?? '';
    const verify = ['verify', file, '--vkey', vkey];
    const whole = await runNode([...CLI, ...verify]);
    expect(whole.code, whole.stdout + whole.stderr).to.equal(0);
    expect(readFileSync(file, 'utf8').trim().split('\n').length).to.be.at.least(RESOURCES.length);
  });

  const mistakes: [what: string, variables: Record<string, string>, variable: string][] = [
    [
      'a sealed log without a key',
      { OTEL_MCP_LOG_INTEGRITY_ORIGIN: 'audit.example.com/agents' },
      'OTEL_MCP_LOG_INTEGRITY_KEY',
    ],
    [
      'one origin for several logs',
      {
        OTEL_MCP_LOG_FILE: 'audit-{pid}.jsonl',
        OTEL_MCP_LOG_INTEGRITY_ORIGIN: 'audit.example.com/agents',
        OTEL_MCP_LOG_INTEGRITY_KEY: 's3cr3t',
      },
      'OTEL_MCP_LOG_INTEGRITY_ORIGIN',
    ],
    ['a spool that nothing goes through', { OTEL_MCP_LOG_SPOOL: 's3cr3t' }, 'OTEL_MCP_LOG_SPOOL'],
    ['an actor that is required', { OTEL_MCP_LOG_REQUIRE_ACTOR: 'true' }, 'OTEL_MCP_LOG_ACTOR'],
    [
      'a protocol that there is none of',
      { OTEL_MCP_LOG_SINKS: 'file,otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 's3cr3t' },
      'OTEL_EXPORTER_OTLP_PROTOCOL',
    ],
    [
      'a proxy that is none',
      { OTEL_MCP_LOG_SINKS: 'file,fieldnotes', OTEL_MCP_LOG_PROXY: 's3cr3t', LOKRYN_AUTH: 'none' },
      'OTEL_MCP_LOG_PROXY',
    ],
    [
      'a client without a secret',
      { OTEL_MCP_LOG_SINKS: 'file,fieldnotes', LOKRYN_CLIENT_ID: 's3cr3t' },
      'LOKRYN_CLIENT_SECRET',
    ],
    [
      'a pause that is none',
      { OTEL_MCP_LOG_MAX_RETRY_AFTER_MS: '60s3cr3t' },
      'OTEL_MCP_LOG_MAX_RETRY_AFTER_MS',
    ],
    [
      'a pause that no timer takes',
      { OTEL_MCP_LOG_MAX_RETRY_AFTER_MS: '99999999999' },
      'OTEL_MCP_LOG_MAX_RETRY_AFTER_MS',
    ],
    ['a mode that there is none of', { OTEL_MCP_LOG_MODE: 's3cr3t' }, 'OTEL_MCP_LOG_MODE'],
  ];
  for (const [index, [what, variables, variable]] of mistakes.entries()) {
    it(`stop the start-up for ${what}, with one line${index < 2 ? '' : ' @slow'}`, async () => {
      const { code, stdout, stderr } = await runNode(APP, { ...env, ...variables });
      expect([code, stdout]).to.deep.equal([78, '']);
      expect(stderr).to.match(new RegExp(`^otel-mcp-log: ${variable}: [^\\n]*\\n$`));
      expect(stderr).not.to.include('s3cr3t');
      expect(readdirSync(folder.path), 'left behind').to.deep.equal([]);
    });
  }
});
