import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';

interface Exporter {
  readonly sending_queue?: { readonly storage?: string };
  readonly [key: string]: unknown;
}

interface Collector {
  receivers: Record<string, object>;
  processors: Record<string, object>;
  extensions: Record<string, object>;
  exporters: Record<string, Exporter>;
  service: {
    extensions: string[];
    pipelines: Record<string, { receivers: string[]; processors: string[]; exporters: string[] }>;
  };
}

const QUEUE = [
  'enabled',
  'storage',
  'queue_size',
  'num_consumers',
  'sizer',
  'block_on_overflow',
  'batch',
  'wait_for_result',
];
const BACKOFF = [
  'enabled',
  'initial_interval',
  'randomization_factor',
  'multiplier',
  'max_interval',
  'max_elapsed_time',
];

/** The keys of each exporter as its own source documents them: `config.schema.yaml`, `config.go` and README of opentelemetry-collector-contrib. */
const DOCUMENTED: Readonly<
  Record<
    string,
    { readonly keys: readonly string[]; readonly within?: Readonly<Record<string, readonly string[]>> }
  >
> = {
  kafka: {
    keys: [
      'brokers',
      'protocol_version',
      'client_id',
      'logs',
      'metrics',
      'traces',
      'profiles',
      'topic_from_attribute',
      'topic_from_metadata_key',
      'include_metadata_keys',
      'partition_traces_by_id',
      'partition_metrics_by_resource_attributes',
      'partition_logs_by_resource_attributes',
      'partition_logs_by_trace_id',
      'tls',
      'auth',
      'metadata',
      'producer',
      'timeout',
      'retry_on_failure',
      'sending_queue',
    ],
    within: {
      producer: [
        'max_message_bytes',
        'required_acks',
        'compression',
        'compression_params',
        'flush_max_messages',
        'allow_auto_topic_creation',
        'linger',
      ],
      logs: ['topic', 'encoding', 'topic_from_metadata_key', 'message_key'],
    },
  },
  awss3: {
    keys: [
      'encoding',
      'encoding_file_extension',
      'marshaler',
      'resource_attrs_to_s3',
      'retry_on_failure',
      's3uploader',
      'sending_queue',
      'timeout',
    ],
    within: {
      s3uploader: [
        'acl',
        'compression',
        'disable_ssl',
        'endpoint',
        'external_id',
        'file_prefix',
        'region',
        'retry_max_attempts',
        'retry_max_backoff',
        'retry_mode',
        'role_arn',
        's3_base_prefix',
        's3_bucket',
        's3_force_path_style',
        's3_partition_format',
        's3_partition_timezone',
        's3_prefix',
        'storage_class',
        'unique_key_func_name',
      ],
    },
  },
  azuremonitor: {
    keys: [
      'connection_string',
      'custom_events_enabled',
      'exception_events_enabled',
      'instrumentation_key',
      'maxbatchinterval',
      'maxbatchsize',
      'sending_queue',
      'shutdown_timeout',
      'spaneventsenabled',
    ],
  },
  googlesecops: {
    keys: [
      'api',
      'hostname',
      'customer_id',
      'override_hostname',
      'api_version',
      'region',
      'project_number',
      'namespace',
      'creds',
      'creds_file_path',
      'default_log_type',
      'validate_log_types',
      'raw_log_field',
      'compression',
      'ingestion_labels',
      'collect_agent_metrics',
      'metrics_interval',
      'batch_request_size_limit',
      'log_errored_payloads',
      'collector_id',
      'timeout',
      'sending_queue',
      'retry_on_failure',
    ],
  },
};

/** What the source of the exporter refuses to start without. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  kafka: ['brokers'],
  awss3: ['s3uploader'],
  azuremonitor: ['connection_string'],
  googlesecops: ['api', 'hostname', 'region', 'project_number', 'customer_id'],
};

/** No collector is to be had here to validate them; what can be checked without one is that they hang together and have no key of their own. */
for (const name of ['gateway', 'security-lake', 'sentinel', 'secops'])
  describe(`the collector example ${name}.yaml`, () => {
    const file = new URL(`../../examples/collector/${name}.yaml`, import.meta.url);
    const config = parse(readFileSync(file, 'utf8')) as Collector;

    it('configures every component that its pipelines name, and names every one that it configures', () => {
      const pipelines = Object.values(config.service.pipelines);
      for (const kind of ['receivers', 'processors', 'exporters'] as const) {
        const named = new Set(pipelines.flatMap((pipeline) => pipeline[kind]));
        expect([...named].sort(), kind).to.deep.equal(Object.keys(config[kind]).sort());
      }
      expect(config.service.extensions).to.deep.equal(Object.keys(config.extensions));
    });

    it('keeps every queue in a storage that is switched on', () => {
      for (const { sending_queue: queue } of Object.values(config.exporters))
        expect(queue?.storage).to.be.oneOf(config.service.extensions);
    });

    it('gives each exporter what it needs, and no key that its source does not document', () => {
      for (const [exporter, settings] of Object.entries(config.exporters)) {
        const { keys, within = {} } = DOCUMENTED[exporter]!;
        expect(Object.keys(settings).filter((key) => !keys.includes(key))).to.deep.equal([]);
        expect(Object.keys(settings)).to.include.members(REQUIRED[exporter] as string[]);
        for (const [part, known] of Object.entries({
          sending_queue: QUEUE,
          retry_on_failure: BACKOFF,
          ...within,
        })) {
          const given = Object.keys((settings[part] as object | undefined) ?? {});
          expect(
            given.filter((key) => !known.includes(key)),
            part,
          ).to.deep.equal([]);
        }
      }
    });

    it('never gives up a batch where its exporter can be told so', () => {
      for (const { retry_on_failure: retries } of Object.values(config.exporters))
        if (retries !== undefined)
          expect((retries as { max_elapsed_time: number }).max_elapsed_time).to.equal(0);
    });
  });
