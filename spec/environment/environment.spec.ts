import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTermsOfVariables, readEnvironment } from '../../lib/environment/environment.js';
import { createSink, createSinks } from '../../lib/environment/auditOptions.js';
import { PREFIX, VARIABLES } from '../../lib/environment/variables.js';
import { ConfigError } from '../../lib/errors.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const ENVIRONMENT = { OTEL_MCP_LOG_ENVIRONMENT: 'test' };

function errorOf(env: Record<string, string>): ConfigError {
  try {
    readEnvironment(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('expected a ConfigError');
}

describe('the variables of the zero-code entry', () => {
  it('make the sinks syslog and postgres, whose faults are told in terms of the variables', () => {
    const make = (kind: 'syslog' | 'postgres', env: Record<string, string>) =>
      createSink(kind, readEnvironment({ ...ENVIRONMENT, OTEL_MCP_LOG_SINKS: kind, ...env }), {});
    expect(make('syslog', { OTEL_MCP_LOG_SYSLOG_ENDPOINT: 'tls://logs.example.com' })).to.include({
      name: 'syslog',
      destination: 'tls://logs.example.com:6514',
    });
    const database = { OTEL_MCP_LOG_POSTGRES_URL: 'postgres:///audit?host=/run/postgresql' };
    expect(make('postgres', database)).to.include({ name: 'postgres', destination: 'postgres:///audit' });
    expect(make('postgres', { ...database, OTEL_MCP_LOG_POSTGRES_TABLE: 'audit.records' }).name).to.equal(
      'postgres',
    );
    try {
      make('syslog', { OTEL_MCP_LOG_SYSLOG_ENDPOINT: 'tcp://logs.example.com' });
      expect.fail('took tcp:// to another machine');
    } catch (error) {
      const told = inTermsOfVariables(error as ConfigError).message;
      expect(told).to.include('OTEL_MCP_LOG_SYSLOG_ENDPOINT').and.include('tls://');
    }
  });

  it('need nothing that records need where auditing is switched off', () => {
    expect(readEnvironment({ OTEL_MCP_LOG_DISABLED: 'true' })).to.include({ disabled: true });
    expect(readEnvironment({ OTEL_MCP_LOG_DISABLED: 'true', OTEL_MCP_LOG_REQUIRE_ACTOR: 'true' })).to.include(
      { disabled: true },
    );
    expect(errorOf({ OTEL_MCP_LOG_DISABLED: 'false' }).message).to.include('ENVIRONMENT');
  });

  it('suggest the one that was meant, and list all where none is near', () => {
    expect(errorOf({ ...ENVIRONMENT, OTEL_MCP_LOG_ENVIROMENT: 'x' }).message).to.include(
      'unknown variable; did you mean OTEL_MCP_LOG_ENVIRONMENT?',
    );
    expect(errorOf({ ...ENVIRONMENT, OTEL_MCP_LOG_FLIE: 'x' }).message).to.include('OTEL_MCP_LOG_FILE?');
    expect(errorOf({ ...ENVIRONMENT, OTEL_MCP_LOG_ACESS_LOG: 'x' }).message).to.include(
      'OTEL_MCP_LOG_ACCESS_LOG?',
    );
    expect(errorOf({ ...ENVIRONMENT, OTEL_MCP_LOG_XYZZY: 'x' }).message)
      .to.include('known are OTEL_MCP_LOG_SINKS')
      .and.not.include('did you mean');
  });

  it('become the options of the audit log', () => {
    const { audit, sinks, optionsOf } = readEnvironment({
      ...ENVIRONMENT,
      OTEL_MCP_LOG_ACTOR: 'agent-7',
      OTEL_MCP_LOG_REQUIRE_ACTOR: 'true',
      OTEL_MCP_LOG_ACTOR_TYPE: 'service',
      OTEL_MCP_LOG_TENANT: 'acme',
      OTEL_MCP_LOG_TOOL_STATE: '/var/lib/agent/tools.json',
      OTEL_MCP_LOG_SPOOL: '/var/lib/agent/spool',
      OTEL_MCP_LOG_INTEGRITY_ORIGIN: 'audit.example.com/agents',
      OTEL_MCP_LOG_INTEGRITY_KEY: '/etc/agent/key.pem',
      OTEL_MCP_LOG_POLICY_TAGS: 'hipaa, pci',
      OTEL_MCP_LOG_REDACT: 'colour,',
      OTEL_MCP_LOG_INCLUDE_OUTPUTS: 'TRUE',
      OTEL_MCP_LOG_MODE: 'batch',
      OTEL_MCP_LOG_MAX_RETRY_AFTER_MS: '60000',
      OTEL_MCP_LOG_MAX_QUEUE_SIZE: '2048',
      OTEL_MCP_LOG_MAX_EXPORT_BATCH_SIZE: '64',
      OTEL_MCP_LOG_SCHEDULE_DELAY: '0',
      OTEL_MCP_LOG_EXPORT_TIMEOUT: '3000',
      OTEL_MCP_LOG_PROPAGATE: 'false',
      OTEL_MCP_LOG_SINKS: 'http,file',
      OTEL_MCP_LOG_FILE: '/var/log/audit.jsonl',
      OTEL_MCP_LOG_ENDPOINT: 'https://audit.example.com',
      OTEL_MCP_LOG_HEADERS: 'x-api-key=a%20b,x-tenant=c=d',
    });
    expect(audit).to.deep.equal({
      environment: 'test',
      actorId: 'agent-7',
      requireActor: true,
      actorType: 'service',
      tenantId: 'acme',
      toolState: '/var/lib/agent/tools.json',
      policyTags: ['hipaa', 'pci'],
      redactPatterns: ['colour'],
      includeOutputs: true,
      mode: 'batch',
      maxRetryAfterMs: 60_000,
      maxQueueSize: 2048,
      maxExportBatchSize: 64,
      scheduledDelayMillis: 0,
      exportTimeoutMillis: 3000,
      propagate: false,
    });
    expect(sinks).to.deep.equal(['http', 'file']);
    expect(optionsOf('file')).to.deep.equal({ path: '/var/log/audit.jsonl' });
    expect(optionsOf('spool')).to.deep.equal({ directory: '/var/lib/agent/spool' });
    expect(optionsOf('integrity')).to.deep.equal({
      origin: 'audit.example.com/agents',
      key: '/etc/agent/key.pem',
    });
    expect(optionsOf('http')).to.deep.equal({
      endpoint: 'https://audit.example.com',
      headers: { 'x-api-key': 'a b', 'x-tenant': 'c=d' },
    });
  });

  it('fall back to those of OpenTelemetry, and an empty one is an unset one', () => {
    const resource = 'service.name=billing,deployment.environment.name=production';
    const { audit, sinks, tracing } = readEnvironment({
      OTEL_RESOURCE_ATTRIBUTES: resource,
      OTEL_SDK_DISABLED: 'true',
      OTEL_MCP_LOG_COMPONENT: '',
    });
    expect(audit).to.deep.equal({ environment: 'production', component: 'billing' });
    expect(sinks).to.deep.equal(['file']);
    expect(tracing).to.equal(false);
    const named = readEnvironment({ OTEL_RESOURCE_ATTRIBUTES: resource, OTEL_SERVICE_NAME: 'invoices' });
    expect(named.audit.component).to.equal('invoices');
    expect(named.tracing).to.equal(true);
  });

  const mistakes: [what: string, env: Record<string, string>, variable: string][] = [
    ['a missing environment', {}, 'ENVIRONMENT'],
    ['a variable that there is none of', { ...ENVIRONMENT, OTEL_MCP_LOG_ENDPIONT: 'x' }, 'ENDPIONT'],
    ['a sink that there is none of', { ...ENVIRONMENT, OTEL_MCP_LOG_SINKS: 'stdout,s3cr3t' }, 'SINKS'],
    ['what is neither true nor false', { ...ENVIRONMENT, OTEL_MCP_LOG_QUIET: 's3cr3t' }, 'QUIET'],
    [
      'headers that are no pairs',
      { ...ENVIRONMENT, OTEL_MCP_LOG_SINKS: 'http', OTEL_MCP_LOG_HEADERS: 's3cr3t' },
      'HEADERS',
    ],
    [
      'an option of a sink that is not named',
      { ...ENVIRONMENT, OTEL_MCP_LOG_HMAC_KEY: 's3cr3t' },
      'HMAC_KEY',
    ],
    ['a spool that nothing goes through', { ...ENVIRONMENT, OTEL_MCP_LOG_SPOOL: 's3cr3t' }, 'SPOOL'],
    [
      'seals without a file',
      { ...ENVIRONMENT, OTEL_MCP_LOG_SINKS: 'stdout', OTEL_MCP_LOG_INTEGRITY_KEY: 's3cr3t' },
      'INTEGRITY_KEY',
    ],
    [
      'a pause with a unit',
      { ...ENVIRONMENT, OTEL_MCP_LOG_MAX_RETRY_AFTER_MS: '60s3cr3t' },
      'MAX_RETRY_AFTER_MS',
    ],
    [
      'a pause below nothing',
      { ...ENVIRONMENT, OTEL_MCP_LOG_MAX_RETRY_AFTER_MS: '-1' },
      'MAX_RETRY_AFTER_MS',
    ],
    ['an actor that is required and not there', { ...ENVIRONMENT, OTEL_MCP_LOG_REQUIRE_ACTOR: '1' }, 'ACTOR'],
  ];
  for (const [what, env, variable] of mistakes) {
    it(`are refused for ${what}, by name and without the value`, () => {
      const { option, message } = errorOf(env);
      expect(option).to.equal(PREFIX + variable);
      expect(message).not.to.include('s3cr3t');
    });
  }

  it("stand in the errors of the options that they set, instead of the option's name", () => {
    const error = inTermsOfVariables(new ConfigError('HttpSink.endpoint', 'expected an https URL'));
    expect(error.message).to.equal('OTEL_MCP_LOG_ENDPOINT: expected an https URL (see docs/register.md)');
    const named = (option: string) => inTermsOfVariables(new ConfigError(option, 'is wrong')).option;
    expect(named('HttpSink.proxy')).to.equal('OTEL_MCP_LOG_PROXY');
    expect(named('FieldNotesSink.proxy')).to.equal('OTEL_MCP_LOG_PROXY');
    expect(named('spool.maxRetryAfterMs')).to.equal('OTEL_MCP_LOG_MAX_RETRY_AFTER_MS');
    expect(named('FieldNotesSink.clientSecret')).to.equal('LOKRYN_CLIENT_SECRET');
    const other = new ConfigError('something', 'is wrong');
    expect(inTermsOfVariables(other)).to.equal(other);
  });

  describe('of rotation', () => {
    let folder: ReturnType<typeof temporaryFolder>;
    beforeEach(() => (folder = temporaryFolder()));
    afterEach(() => folder.remove());
    const make = (env: Record<string, string>) => {
      const whole = { ...ENVIRONMENT, OTEL_MCP_LOG_FILE: join(folder.path, 'audit.jsonl'), ...env };
      return createSinks(readEnvironment(whole), whole, {
        onNotice: () => undefined,
        onError: () => undefined,
      });
    };

    it('cut the file into parts, pack them, and keep as many as they say', async () => {
      const [sink] = make({
        OTEL_MCP_LOG_ROTATE_MAX_BYTES: '1',
        OTEL_MCP_LOG_ROTATE_MAX_AGE_MS: '86400000',
        OTEL_MCP_LOG_ROTATE_COMPRESS: 'true',
        OTEL_MCP_LOG_ROTATE_KEEP: '2',
      });
      for (let seq = 0; seq < 5; seq++) await sink!.emit([sampleRecord(seq)]);
      await sink!.close!();
      const parts = readdirSync(folder.path).filter((name) => /^audit\.jsonl(\.\d+)?(\.gz)?$/.test(name));
      expect(parts.sort()).to.deep.equal(['audit.jsonl', 'audit.jsonl.000003.gz', 'audit.jsonl.000004']);
    });

    it('leave the file whole where none is set', async () => {
      const [sink] = make({ OTEL_MCP_LOG_ROTATE_COMPRESS: 'false' });
      for (let seq = 0; seq < 3; seq++) await sink!.emit([sampleRecord(seq)]);
      await sink!.close!();
      expect(readdirSync(folder.path).filter((name) => /\.\d+(\.gz)?$/.test(name))).to.deep.equal([]);
    });

    for (const [variable, value, told] of [
      ['ROTATE_KEEP', '3', 'OTEL_MCP_LOG_ROTATE_MAX_BYTES'],
      ['ROTATE_COMPRESS', 'true', 'OTEL_MCP_LOG_ROTATE_MAX_BYTES'],
      ['ROTATE_MAX_BYTES', '0', 'expected'],
      ['ROTATE_MAX_AGE_MS', '1d', 'expected a whole number'],
    ] as const)
      it(`refuse ${variable} where it cannot work, by its name (${value})`, () => {
        try {
          make({ [PREFIX + variable]: value });
          expect.fail('took it');
        } catch (error) {
          const { option, message } = inTermsOfVariables(error as ConfigError);
          expect(option).to.equal(PREFIX + variable);
          expect(message).to.include(told);
        }
      });
  });

  it('are those that docs/register.md lists', () => {
    const page = readFileSync(new URL('../../docs/register.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^\| `OTEL_MCP_LOG_(\w+)` *\|/gm)].map(([, name]) => name);
    expect(documented).to.have.members([...VARIABLES.keys()]);
  });
});
