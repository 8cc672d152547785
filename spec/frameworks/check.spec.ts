import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { faultOf, faultOfDoctor, type Output } from './check.js';
import { FRAMEWORKS, type Framework } from './frameworks.js';
import { clientsIn, frameworksTable, type Row } from './table.js';

const framework: Framework = {
  install: ['framework'],
  processes: [{ args: [], calls: { echo: 'OUTCOME_SUCCESS', refused: 'OUTCOME_FAILURE_ERROR' } }],
};
const [program] = framework.processes;

const record = (event: string, resource: string, outcome = 'OUTCOME_SUCCESS', session = 's'): AuditRecord =>
  ({
    event_type: event,
    resource,
    outcome,
    session_id: session,
    ...(outcome !== 'OUTCOME_SUCCESS' && { error: { type: 'tool_error' } }),
  }) as AuditRecord;

const LOGIN = record('EVENT_LOGIN', 'session/initialize');
const LIST = record('EVENT_TOOL_INVOCATION', 'tools/list');
const ECHO = record('EVENT_TOOL_INVOCATION', 'tools/echo');
const REFUSED = record('EVENT_TOOL_INVOCATION', 'tools/refused', 'OUTCOME_FAILURE_ERROR');
const LOGOUT = record('EVENT_LOGOUT', 'session/close');
const ALL = [LOGIN, LIST, ECHO, REFUSED, LOGOUT];

const bare: Output = { code: 0, stdout: 'out', stderr: '', records: [] };
const fault = (audited: Partial<Output>, of = framework) =>
  faultOf(of, program!, [bare, { ...bare, records: ALL, ...audited }]);

describe('the check of frameworks', () => {
  it('passes a program that runs as ever, with the records that its calls ask for', () => {
    expect(fault({})).to.equal(undefined);
    expect(fault({ records: [LOGIN, LIST, REFUSED, ECHO, LOGOUT] }), 'in another order').to.equal(undefined);
  });

  it('fails another output or exit code', () => {
    expect(fault({ stdout: 'out\n' })).to.match(/another output/);
    expect(fault({ code: 1 })).to.match(/exit code 1/);
    expect(fault({ code: null })).to.match(/exit code null/);
  });

  for (const [what, records] of Object.entries({
    'nothing on record': [],
    'a second logout': [...ALL, LOGOUT],
    'no logout': ALL.slice(0, -1),
    'a call that is missing': [LOGIN, LIST, ECHO, LOGOUT],
    'a call that is there twice': [LOGIN, LIST, ECHO, ECHO, REFUSED, LOGOUT],
    'another outcome': [LOGIN, LIST, ECHO, { ...REFUSED, outcome: 'OUTCOME_SUCCESS' as const }, LOGOUT],
    'another reason': [LOGIN, LIST, ECHO, { ...REFUSED, error: { type: 'timeout' } }, LOGOUT],
    'another session': [LOGIN, LIST, ECHO, REFUSED, { ...LOGOUT, session_id: 'another' }],
    'a list that nobody asked for': [LOGIN, LIST, LIST, ECHO, REFUSED, LOGOUT],
  }))
    it(`fails ${what}`, () => {
      expect(fault({ records })).to.be.a('string');
    });

  it('lets pass what a framework does besides, and as many lists as it may ask for', () => {
    const roots = record('EVENT_RESOURCE_ACCESS', 'roots/list');
    const records = [LOGIN, roots, LIST, LIST, ECHO, REFUSED, LOGOUT];
    expect(fault({ records }, { ...framework, besides: ['roots/list'], lists: 'any' })).to.equal(undefined);
    expect(fault({ records: [LOGIN, ECHO, REFUSED, LOGOUT] }, { ...framework, lists: 'any' })).to.be.a(
      'string',
    );
  });

  it('wants nothing said of clients that are not audited', () => {
    expect(fault({ stderr: 'otel-mcp-log: NOT AUDITED: clients of it\n' })).to.match(/is audited, and says/);
  });

  it('holds the doctor to what is so', () => {
    const sink = 'ok: sink-ok: file\n';
    const patched = `${sink}ok: sdk-patched: @modelcontextprotocol/sdk 1.32.2 in /a\n`;
    const own = 'framework 1.0.0 in /b\n';
    const said = (text: string) => faultOfDoctor(framework, { code: 0, text });
    expect(said(patched)).to.equal(undefined);
    expect(said(sink)).to.match(/no client that is patched/);
    expect(said(`${patched}error: sdk-unpatched: a copy`)).to.be.a('string');
    expect(said(`${patched}warning: own-client: ${own}`)).to.match(/unpatched/);
    expect(said(`${sink}ok: client-patched: ${own}`)).to.equal(undefined);
    const both = `${patched}ok: client-patched: ${own}`;
    expect(clientsIn(both)).to.deep.equal(['@modelcontextprotocol/sdk 1.32.2', 'framework 1.0.0']);
  });

  it('keeps the rows of the table that were not tried again', () => {
    const row: Row = { name: 'a', version: '1', clients: ['x 1'], records: 5, faults: [] };
    const before = frameworksTable([row, { ...row, name: 'b' }]);
    const after = frameworksTable([{ ...row, name: 'b', version: '2' }], before);
    expect(after).to.equal(before.replace('`b 1`', '`b 2`'));
  });

  it('has a row in the docs for each framework, with a tick or a reason', () => {
    const page = readFileSync(new URL('../../docs/frameworks.md', import.meta.url), 'utf8');
    const [table = ''] = /<!-- frameworks -->[^]*<!-- end of frameworks -->/.exec(page) ?? [];
    const rows = table.match(/^\| `.*$/gm) ?? [];
    expect(rows.map((row) => /`(\S+) /.exec(row)?.[1])).to.have.members(
      Object.values(FRAMEWORKS).map(({ install }) => install[0]!.replace(/(?<=.)@.*/, '')),
    );
    expect(rows.filter((row) => row.includes('✖'))).to.deep.equal([]);
  });
});
