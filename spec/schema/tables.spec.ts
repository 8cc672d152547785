import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { newRecordId, newSpanId, newTraceId } from '../../lib/schema/ids.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../lib/version.js';
import { runNode } from '../support/node.js';

describe('the schema tables', () => {
  it('are what the generator makes of the data file', async () => {
    const { code, stderr } = await runNode(['scripts/generate-schema.mjs', '--check']);
    expect(code, stderr).to.equal(0);
  });
});

describe('the version', () => {
  it('is that of package.json', () => {
    const manifest: unknown = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(manifest).to.include({ name: PACKAGE_NAME, version: PACKAGE_VERSION });
  });
});

describe('ids', () => {
  it('are valid for W3C Trace Context, and distinct', () => {
    const traces = new Set(Array.from({ length: 2_000 }, newTraceId));
    const spans = new Set(Array.from({ length: 2_000 }, newSpanId));
    expect([traces.size, spans.size]).to.deep.equal([2_000, 2_000]);
    for (const id of traces) expect(id).to.match(/^[0-9a-f]{32}$/);
    for (const id of spans) expect(id).to.match(/^[0-9a-f]{16}$/);
  });

  it('carry the time, version and variant of a UUIDv7 (RFC 9562)', () => {
    const now = 0x0199_aabb_ccdd;
    for (let i = 0; i < 500; i++) {
      expect(newRecordId(now)).to.match(/^0199aabb-ccdd-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });
});
