import { expect } from 'chai';
import { checkAuditOptions } from '../../lib/environment/auditOptions.js';
import { inTermsOfVariables, readEnvironment } from '../../lib/environment/environment.js';
import { fileOptions } from '../../lib/environment/file.js';
import { PREFIX } from '../../lib/environment/variables.js';
import type { ConfigError } from '../../lib/errors.js';

const ENVIRONMENT = { OTEL_MCP_LOG_ENVIRONMENT: 'test' };

describe('the variables of the file, its archive and its retention', () => {
  const SEALED = {
    OTEL_MCP_LOG_INTEGRITY_ORIGIN: 'audit.example.com/agents',
    OTEL_MCP_LOG_INTEGRITY_KEY: '/etc/agent/key.pem',
  };
  const CUT = { OTEL_MCP_LOG_ROTATE_MAX_BYTES: '1000000' };
  const ARCHIVED = { OTEL_MCP_LOG_ARCHIVE: 's3://audit/agents' };

  it('become the options of the file', () => {
    const options = fileOptions(
      readEnvironment({
        ...{ ...ENVIRONMENT, ...SEALED, ...CUT, ...ARCHIVED },
        OTEL_MCP_LOG_FILE: '/var/log/audit.jsonl',
        OTEL_MCP_LOG_FSYNC: 'always',
        OTEL_MCP_LOG_INTEGRITY_SELECTIVE: 'true',
        OTEL_MCP_LOG_INTEGRITY_PREVIOUS_KEYS: 'a+1+b, a+2+c',
        OTEL_MCP_LOG_ARCHIVE_LOCK: 'compliance',
        OTEL_MCP_LOG_ARCHIVE_LOCK_DAYS: '400',
        OTEL_MCP_LOG_ARCHIVE_LEGAL_HOLD: 'true',
        OTEL_MCP_LOG_ARCHIVE_ENDPOINT: 'https://s3.example.com',
        OTEL_MCP_LOG_ARCHIVE_REGION: 'eu-1',
        OTEL_MCP_LOG_S3_PATH_STYLE: 'false',
        OTEL_MCP_LOG_RETAIN_PRESET: 'pci-dss',
        OTEL_MCP_LOG_RETAIN_HOLD: 'case 7',
        OTEL_MCP_LOG_RETAIN_REASON: 'policy 3',
        OTEL_MCP_LOG_RETAIN_AT_LEAST_DAYS: '93',
        OTEL_MCP_LOG_RETAIN_AT_LEAST_BYTES: '1000',
        OTEL_MCP_LOG_RETAIN_AT_MOST_DAYS: '100',
        OTEL_MCP_LOG_RETAIN_AT_MOST_BYTES: '9000',
      }),
    );
    expect(options).to.deep.equal({
      path: '/var/log/audit.jsonl',
      fsync: 'always',
      rotate: { maxBytes: 1_000_000 },
      integrity: {
        origin: 'audit.example.com/agents',
        key: '/etc/agent/key.pem',
        selective: true,
        previousKeys: ['a+1+b', 'a+2+c'],
      },
      archive: {
        to: 's3://audit/agents',
        lock: 'compliance',
        lockDays: 400,
        legalHold: true,
        endpoint: 'https://s3.example.com',
        region: 'eu-1',
        pathStyle: false,
      },
      retain: {
        preset: 'pci-dss',
        hold: 'case 7',
        reason: 'policy 3',
        atLeast: { days: 93, bytes: 1000 },
        atMost: { days: 100, bytes: 9000 },
      },
    });
  });

  it('leave what is not set to the file itself', () => {
    const options = fileOptions(readEnvironment({ ...ENVIRONMENT, OTEL_MCP_LOG_S3_PATH_STYLE: 'true' }));
    expect(options).to.deep.equal({ path: 'audit.jsonl' });
  });

  const mistakes: [what: string, env: Record<string, string>, variable: string, told: string][] = [
    ['an archive of a log that is not sealed', { ...CUT, ...ARCHIVED }, 'ARCHIVE', 'not sealed'],
    ['an archive of a log in one piece', { ...SEALED, ...ARCHIVED }, 'ARCHIVE', 'ROTATE_MAX_BYTES'],
    ['a lock without an archive', { OTEL_MCP_LOG_ARCHIVE_LOCK: 'bucket' }, 'ARCHIVE', 'ARCHIVE_LOCK is'],
    [
      'a mode of lock without its days',
      { ...SEALED, ...CUT, ...ARCHIVED, OTEL_MCP_LOG_ARCHIVE_LOCK: 'compliance' },
      'ARCHIVE_LOCK_DAYS',
      'compliance',
    ],
    [
      'what is to go before it may',
      { ...SEALED, ...CUT, OTEL_MCP_LOG_RETAIN_PRESET: 'hipaa', OTEL_MCP_LOG_RETAIN_AT_MOST_DAYS: '100' },
      'RETAIN_AT_MOST_DAYS',
      '2192',
    ],
    [
      'deletion without a record beside that with one',
      { ...SEALED, ...CUT, OTEL_MCP_LOG_ROTATE_KEEP: '3', OTEL_MCP_LOG_RETAIN_AT_MOST_DAYS: '100' },
      'ROTATE_KEEP',
      'retain.atMost',
    ],
    ['retention without a seal', { ...CUT, OTEL_MCP_LOG_RETAIN_HOLD: 'x' }, 'RETAIN_HOLD', 'not sealed'],
    ['a rotation that never comes', { OTEL_MCP_LOG_ROTATE_KEEP: '3' }, 'ROTATE_KEEP', 'ROTATE_MAX_BYTES'],
    ['a sync that there is none of', { OTEL_MCP_LOG_FSYNC: 'often' }, 'FSYNC', 'always'],
  ];
  for (const [what, env, variable, told] of mistakes)
    it(`refuse ${what}, before anything is opened`, () => {
      const environment = readEnvironment({ ...ENVIRONMENT, ...env });
      try {
        checkAuditOptions(environment, {});
        expect.fail('took it');
      } catch (error) {
        const { option, message } = inTermsOfVariables(error as ConfigError);
        expect(option).to.equal(PREFIX + variable);
        expect(message).to.include(told);
      }
    });
});
