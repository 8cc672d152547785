import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { createRedactor } from '../../lib/redaction/createRedactor.js';
import { levelFor, resolveLevels, type LevelOptions } from '../../lib/redaction/policy/options.js';
import type { DraftRecord, McpDetail } from '../../lib/schema/record.js';
import { draftRecord } from '../support/draftRecord.js';
import { plainSecret, secretSamples } from '../support/secretSamples.js';

describe('redacting a record', () => {
  it('[attack 15] no secret of any kind survives in any free field', () => {
    for (const [kind, secret] of Object.entries(secretSamples())) {
      const needle = kind === 'pem' ? (secret.split('\n')[1] ?? '') : secret;
      const text = `said ${secret} here`;
      const free = { list: [{ note: text }], error: new Error(text, { cause: { stack: text } }) };
      const mcp: Partial<McpDetail> = {
        tool_name: text,
        tool_arguments: free,
        tool_result: { content: [{ type: 'text', text }], structuredContent: free },
        resource_uri: `https://${encodeURIComponent(secret)}@h/p?q=${encodeURIComponent(secret)}#${encodeURIComponent(secret)}`,
        prompt_name: text,
        prompt_arguments: free,
        server_address: `node server.js --key ${secret}`,
        client_capabilities: free,
        server_capabilities: free,
        legs: [{ request_id: text, method: text }],
      };
      const record = draftRecord(mcp, {
        resource: `tools/${secret}`,
        message: text,
        client_id: text,
        server_id: text,
        server_version: text,
        data: free,
        error: { type: text, code: text, message: text },
        policy_tags: [text],
      });
      const out = JSON.stringify(createRedactor({ levels: { default: 'RequestResponse' } }).record(record));
      expect(out, kind).not.to.contain(needle);
      expect(out, kind).not.to.contain(encodeURIComponent(needle));
    }
  });

  it('[attack 15] an error that quotes a secret which only its key gives away does not leak it', () => {
    const secret = plainSecret();
    const record = createRedactor({ levels: { default: 'RequestResponse' } }).record(
      draftRecord(
        { tool_arguments: { password: secret }, tool_result: `wrong: ${secret}`, tool_name: secret },
        { message: `login with ${secret} failed`, error: { type: 'x', message: `${secret} is no password` } },
      ),
    );
    expect(JSON.stringify(record)).not.to.contain(secret);
  });

  it('hides a text that it kept before, once a key of the same record gives it away, and keeps it again after that', () => {
    const redactor = createRedactor();
    const secret = plainSecret();
    const places = [
      { tool_name: secret, transport: secret },
      { client_id: secret, message: secret },
    ] as const;
    const clean = draftRecord({ tool_arguments: { note: 1 }, ...places[0] }, places[1]);
    const told = draftRecord({ tool_arguments: { password: secret }, ...places[0] }, places[1]);
    for (let time = 0; time < 2; time++) {
      expect(redactor.record(clean), 'nothing says that it is a secret').to.deep.equal(clean);
      expect(JSON.stringify(redactor.record(told))).not.to.contain(secret);
    }
  });

  it('keeps a record whole that says the same as the one before but for one field', () => {
    const redactor = createRedactor();
    for (const message of ['Called tool a.', 'Called tool b.', 'password=hunter2222', 'Called tool b.']) {
      const record = redactor.record(draftRecord({}, { message, resource: 'https://user:pw@h.example/' }));
      expect(record.message).to.equal(message.replace('hunter2222', '[REDACTED]'));
      expect(record.resource).to.equal('https://[REDACTED]@h.example/');
    }
  });

  it('keeps what identifies, and leaves the draft as it was', () => {
    const draft = draftRecord(
      { tool_arguments: { a: [1], password: 'x' } },
      { actor_id: 'token=mine \ud800' },
    );
    const before = structuredClone(draft);
    const record = createRedactor().record(draft);
    expect(draft).to.deep.equal(before);
    expect(record).to.deep.equal({
      ...before,
      actor_id: 'token=mine \ufffd',
      mcp: { ...before.mcp, tool_arguments: { a: [1], password: '[REDACTED]' } },
    });
  });

  for (const path of ['session_id', 'mcp.session_id'])
    it(`hides ${path} alone, though the other field of that name has the same text, in each record`, () => {
      const redactor = createRedactor({ redactPaths: [path] });
      for (let count = 0; count < 3; count++) {
        const { session_id: own, mcp } = redactor.record(
          draftRecord({ session_id: 'S-1' }, { session_id: 'S-1' }),
        );
        expect({ session_id: own, 'mcp.session_id': mcp?.session_id }).to.deep.equal({
          session_id: 'S-1',
          'mcp.session_id': 'S-1',
          [path]: '[REDACTED]',
        });
      }
    });

  it('paths reach every field, and a field that must stand is masked where the policy drops', () => {
    const redactor = createRedactor({
      redactPaths: ['actor_id', 'tenant_id', 'mcp.session_id', 'mcp.tool_arguments', 'error.message'],
      replacement: 'drop',
    });
    const record = redactor.record(
      draftRecord(
        { session_id: 's', tool_arguments: { a: 1 } },
        { tenant_id: 't', error: { type: 'x', message: 'm' } },
      ),
    );
    expect(record.actor_id).to.equal('[REDACTED]');
    expect(record).not.to.have.property('tenant_id');
    expect(record.mcp).not.to.have.any.keys('session_id', 'tool_arguments');
    expect(record.error).to.deep.equal({ type: 'x' });
  });
});

describe('levels', () => {
  const detail = { tool_arguments: { a: 1 }, prompt_arguments: { b: 2 }, tool_result: { c: 3 } };
  const parts = (levels: LevelOptions | undefined, record: Partial<DraftRecord> = {}): string[] => {
    const redactor = createRedactor(levels === undefined ? {} : { levels });
    const out = redactor.record(draftRecord(detail, { data: { d: 4 }, ...record }));
    return [
      ...Object.keys(detail).filter((name) => name in (out.mcp ?? {})),
      ...('data' in out ? ['data'] : []),
    ];
  };

  it('say how much a record tells; outputs are off by default', () => {
    expect(parts(undefined)).to.deep.equal(['tool_arguments', 'prompt_arguments', 'data']);
    expect(parts({ default: 'Metadata' })).to.deep.equal([]);
    expect(parts({ default: 'RequestResponse' })).to.deep.equal([...Object.keys(detail), 'data']);
    expect(parts({ tools: { pay: 'Metadata' } })).to.deep.equal([]);
    expect(parts({ tools: { other: 'Metadata' } })).to.have.length(3);
    expect(
      parts({ events: { EVENT_TOOL_INVOCATION: 'Metadata' }, tools: { pay: 'RequestResponse' } }),
    ).to.have.length(4);
  });

  it('None silences a tool, but not its refusals', () => {
    const levels = resolveLevels({ tools: { pay: 'None' } });
    expect(levelFor(levels, draftRecord())).to.equal('None');
    expect(levelFor(levels, draftRecord({}, { outcome: 'OUTCOME_FAILURE_DENIED' }))).to.equal('Metadata');
    expect(levelFor(levels, draftRecord({}, { outcome: 'OUTCOME_FAILURE_UNAUTHORIZED' }))).to.equal(
      'Metadata',
    );
    expect(levelFor(levels, draftRecord({ tool_name: 'other' }))).to.equal('Request');
    expect(
      levelFor(
        resolveLevels({ tools: { pay: 'None' }, allowNone: true }),
        draftRecord({}, { outcome: 'OUTCOME_FAILURE_DENIED' }),
      ),
    ).to.equal('None');
  });

  it('None is refused where it would silence what an auditor must find', () => {
    for (const levels of [{ default: 'None' }, { events: { EVENT_LOGIN: 'None' } }] as LevelOptions[]) {
      expect(() => createRedactor({ levels }), JSON.stringify(levels)).to.throw(ConfigError, 'allowNone');
      expect(() => createRedactor({ levels: { ...levels, allowNone: true } })).not.to.throw();
    }
    expect(() => createRedactor({ levels: { events: { EVENT_TOOL_LIST: 'None' } } })).not.to.throw();
  });

  for (const levels of [
    { default: 'Everything' },
    { events: { EVENT_X: 'Metadata' } },
    { tools: [] },
    { level: 1 },
  ]) {
    it(`${JSON.stringify(levels)} is refused`, () => {
      expect(() => createRedactor({ levels: levels as unknown as LevelOptions })).to.throw(
        ConfigError,
        'levels',
      );
    });
  }
});
