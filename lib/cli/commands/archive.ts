import { archiveLog } from '../../archive/archiver.js';
import { printable } from '../../internal/text.js';
import { resolveArchive, whileAlone } from '../../sinks/file/keeping.js';
import { onlyOperand } from '../integrity/judgement.js';
import { ExitCode, usageFailure } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { palette } from '../term/terminal.js';
import { bytes, plural } from '../term/units.js';

/** `otel-mcp-log archive`: finished segments of a sealed log into a storage where nobody can change them. */
export const command = defineCommand({
  name: 'archive',
  summary: 'Bring finished segments of a sealed log to S3-compatible storage with object lock, and prove it',
  usage: 'LOG --to s3://BUCKET/FOLDER [OPTION…]',
  about: `
Uploads each finished segment with its leaf hashes, checkpoints and timestamps, reads everything back, and
asks the storage for the lock of every object. What a run that was killed had uploaded is used by the next
one. A segment that is not what was sealed is not archived. Nothing is deleted here: that is what 'retain'
does, and it lets go of what is archived only. The usual AWS environment variables say where and as whom.
Read an archive as you read a file: otel-mcp-log verify s3://BUCKET/FOLDER/audit.jsonl`,
  options: {
    to: { type: 'string', value: 'URL', help: 'the folder in the bucket: s3://bucket/folder' },
    lock: {
      type: 'string',
      value: 'MODE',
      help: "'compliance' or 'governance', for --lock-days; 'bucket' (default) is the rule of the bucket, and must\nlock; 'none' takes a storage that does not lock",
    },
    'lock-days': { type: 'string', value: 'N', help: 'for how many days from now an object is locked' },
    'legal-hold': { type: 'boolean', help: 'put the objects under legal hold in the storage' },
    endpoint: { type: 'string', value: 'URL', help: 'of a storage that is not AWS (or AWS_ENDPOINT_URL_S3)' },
    region: { type: 'string', value: 'NAME', help: 'its region (or AWS_REGION)' },
    'path-style': { type: 'boolean', help: 'the bucket stands in the path, not in the host name' },
    'part-bytes': { type: 'string', value: 'N', help: 'the size of the parts of an upload (default 8 MiB)' },
    json: { type: 'boolean', help: 'what was done as one JSON object' },
  },
  examples: [
    [
      'otel-mcp-log archive audit.jsonl --to s3://audit-archive/agent-1',
      'into a bucket with a rule of its own',
    ],
    [
      'otel-mcp-log archive audit.jsonl --to s3://audit-archive/agent-1 --lock compliance --lock-days 2192',
      'locked for six years, whatever the rule of the bucket',
    ],
  ],
  exits: [
    [0, 'every finished and sealed segment is in the archive, proved'],
    [3, 'the storage failed, or a segment is not what was sealed; what is archived stays so'],
    [4, 'without @aws-sdk/client-s3'],
  ],
  async run({ options, operands, io }) {
    const log = onlyOperand(operands, 'log');
    if (options.to === undefined) throw usageFailure('--to is missing', 'Give --to s3://BUCKET/FOLDER.');
    const days = options['lock-days'];
    const part = options['part-bytes'];
    const target = resolveArchive({
      to: options.to,
      ...(options.lock !== undefined && { lock: options.lock as 'compliance' }),
      ...(days !== undefined && { lockDays: Number(days) }),
      ...(options['legal-hold'] === true && { legalHold: true }),
      ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
      ...(options.region !== undefined && { region: options.region }),
      ...(options['path-style'] === true && { pathStyle: true }),
      ...(part !== undefined && { partBytes: Number(part) }),
    });
    const { bold } = palette(io.stdout, io.env);
    const result = await whileAlone(log, () =>
      archiveLog(log, target, {
        env: io.env,
        onArchived: ({ file, first, count, bytes: size, locked_until, resumed }) => {
          if (options.json === true) return;
          const lock = locked_until === undefined ? 'not locked' : `locked until ${locked_until}`;
          const kept = resumed > 0 ? `, ${bytes(resumed)} of it by an earlier run` : '';
          io.stdout.write(
            `${bold(printable(file))}: ${plural(count, 'record')} from ${first}, ${bytes(size)}, read back, ${lock}${kept}\n`,
          );
        },
      }),
    );
    const { archived, before, unsealed, address } = result;
    if (options.json === true) io.stdout.write(`${JSON.stringify(result)}\n`);
    else
      io.stdout.write(
        `${bold(printable(address))}: ${plural(archived.length, 'segment')} archived, ${before} there before${unsealed > 0 ? `, ${unsealed} not sealed yet` : ''}\n`,
      );
    return ExitCode.ok;
  },
});
