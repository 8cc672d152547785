/** The options of every command that shows something of a log. */
export const ACCESS_OPTIONS = {
  'access-log': {
    type: 'boolean',
    help: 'put on record that you read the log: in LOG.access.jsonl beside it, sealed',
  },
  purpose: { type: 'string', value: 'TEXT', help: 'why you read it; stands in the access log' },
} as const;

/** The values of {@link ACCESS_OPTIONS}. */
export interface AccessOptions {
  readonly 'access-log'?: boolean;
  readonly purpose?: string;
}
