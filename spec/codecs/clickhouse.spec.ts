import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { toClickHouseRow } from '../../lib/codecs/clickhouse.js';
import { encodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { bareRecord, sampleRecord } from '../support/sampleRecords.js';

/** The columns of the table, by what `CREATE TABLE` says. */
const columns = [
  .../CREATE TABLE[^(]*\(\n([^;]*)\n\)\nENGINE/
    .exec(readFileSync(new URL('../../lib/sinks/clickhouse.sql', import.meta.url), 'utf8'))![1]!
    .matchAll(/^ {4}(\w+) [A-Z]/gm),
].map(([, name]) => name!);

const rowOf = (record: AuditRecord) =>
  JSON.parse(toClickHouseRow(record, encodeLine(record))) as Record<string, unknown>;

describe('rows for ClickHouse', () => {
  const records: readonly AuditRecord[] = [
    sampleRecord(0, {
      error: { type: 'timeout', code: '-32001', message: 'late' },
      otel_resource: {
        'service.name': 'billing',
        'service.instance.id': 'i',
        'host.name': 'app-7',
        'process.pid': 7,
      },
      mcp: {
        method: 'tools/call',
        tool_name: 'pay',
        tool_fingerprint: 'f',
        resource_uri: 'file:///x',
        server_address: 'https://a.example',
        transport: 'stdio',
        request_id: '3',
        http_status: 200,
      },
      stage: 'request_received',
      operation_id: 'o',
    }),
    sampleRecord(1, { resource: 'audit/gap', data: { count: 3 } }),
    sampleRecord(2, {
      resource: 'audit/tool-changed',
      data: { tool: 'pay', old_fingerprint: 'a', new_fingerprint: 'b' },
    }),
    sampleRecord(3, {
      resource: 'audit/tool-definition',
      data: { tool: 'pay', fingerprint: 'b', definition: '{}' },
    }),
  ];

  it('fill the columns of the table that ships, each of them, and have nothing else', () => {
    const filled = new Set(records.flatMap((record) => Object.keys(rowOf(record))));
    // Made by ClickHouse.
    expect([...filled, 'at'].sort()).to.deep.equal([...columns].sort());
  });

  it('hold the record as it was logged, and what is about the log itself by its name', () => {
    for (const record of records) expect(rowOf(record)['line']).to.equal(encodeLine(record));
    expect(rowOf(records[0]!)).to.include({
      host_name: 'app-7',
      process_pid: 7,
      mcp_tool_name: 'pay',
      error_type: 'timeout',
      mcp_json: JSON.stringify(records[0]!.mcp),
    });
    expect(rowOf(records[1]!)).to.include({ lost_records: 3 });
    expect(rowOf(records[2]!)).to.include({ tool: 'pay', old_fingerprint: 'a', new_fingerprint: 'b' });
    expect(rowOf(records[3]!)).to.include({ tool: 'pay', new_fingerprint: 'b', definition: '{}' });
  });

  it('leave out what a record does not have, and what user code put under the same names', () => {
    const row = rowOf({ ...bareRecord(), data: { tool: 'x', count: 9 } });
    expect(row).not.to.have.any.keys('tenant_id', 'error_type', 'mcp_json', 'tool', 'lost_records');
  });
});
