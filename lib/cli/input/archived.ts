import { openArchived } from '../../archive/archived.js';
import { readSegments } from '../../integrity/storage/segments.js';
import { verifySegments, type VerifyFileOptions } from '../../integrity/verification/verifyFile.js';
import type { VerifyReport } from '../../integrity/verification/verdict.js';
import type { CommandIo } from '../shared/command.js';
import { scratchFolder } from '../term/temporaryFile.js';
import type { LogInput } from './logs.js';

/** An archived log: its records are streamed when they are read; its evidence is small, and fetched as a whole. */
interface ArchivedInput extends LogInput {
  evidence(): Promise<string>;
  verify(options: VerifyFileOptions): Promise<VerifyReport>;
}

/**
 * A log in an archive, by its address: `s3://bucket/folder/audit.jsonl`. The AWS environment variables say where and as whom.
 *
 * @throws {AuditError} when nothing is archived there, or the storage cannot be asked.
 */
export async function archivedLog(operand: string, { env }: CommandIo): Promise<ArchivedInput> {
  const { OTEL_MCP_LOG_S3_PATH_STYLE: style } = env;
  const pathStyle = style === undefined || style === '' ? undefined : !['false', '0'].includes(style);
  const { address, segments, warnings, evidence } = await openArchived(operand, { pathStyle }, env);
  let folder: Promise<string> | undefined;
  const evidenceHere = () => (folder ??= evidence(scratchFolder()));
  return {
    name: address,
    files: segments.filter(({ present }) => present).map(({ path, bytes }) => ({ path, bytes })),
    read: (path) => readSegments(segments.filter((segment) => segment.path === path)),
    evidence: evidenceHere,
    async verify(options) {
      const here = await evidenceHere();
      const report = await verifySegments(here, { segments }, options);
      // The copies have names that mean nothing to the reader.
      const text = JSON.stringify(report).replaceAll(
        JSON.stringify(`${here}.integrity`).slice(1, -1),
        address,
      );
      const named = JSON.parse(text) as VerifyReport;
      return { ...named, warnings: [...warnings, ...named.warnings] };
    },
  };
}
