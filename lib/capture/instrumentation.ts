import { diag, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import {
  InstrumentationBase,
  InstrumentationNodeModuleDefinition,
  InstrumentationNodeModuleFile,
  type InstrumentationConfig,
} from '@opentelemetry/instrumentation';
import { Hook } from 'require-in-the-middle';
import type { PropagationOptions, SideOptions } from '../config.js';
import { checkOptions } from '../internal/options.js';
import { peek } from '../internal/peek.js';
import { noModuleHooks, otherRuntime } from '../internal/runtime.js';
import {
  handOverRequired,
  copyOf,
  onSdkModule,
  packageOf,
  SDK_V1,
  SDK_V2,
  SDK_V2_SERVER,
  type SdkCopy,
  type SdkModule,
} from '../loader/sdk.js';
import { isLoaderHookRegistered } from '../loader/register.js';
import { notePatched } from '../processor/logRecords.js';
import { createRedactor, type Redactor } from '../redaction/createRedactor.js';
import type { RedactionOptions } from '../redaction/policy/options.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import type { McpClientClass } from './client.js';
import {
  classesIn,
  className,
  discover,
  discovered,
  isClient,
  loadedModules,
  methodsOf,
  patchClass,
  sdkOf,
  unpatchClass,
} from './patch.js';
import {
  COPY,
  defaultSource,
  disableSource,
  enableSource,
  meterOf,
  tracerOf,
  type SpanSource,
} from './tracing.js';

/**
 * Options of {@link McpInstrumentation}. They concern spans only; the processor decides what is on record.
 *
 * @see docs/capture.md
 */
export interface McpInstrumentationConfig extends InstrumentationConfig, PropagationOptions, SideOptions {
  /**
   * Adds `gen_ai.tool.call.arguments` to the spans of tool calls and `gen_ai.prompt.variable.*` to those of prompts, redacted.
   * @defaultValue false
   */
  readonly recordInputs?: boolean;
  /** Adds `gen_ai.tool.call.result`, redacted, to the spans of tool calls. @defaultValue false */
  readonly recordOutputs?: boolean;
  /** Whether baggage may go to the server of this address, beside the trace context. @defaultValue to none */
  readonly allowBaggage?: (serverAddress: string | undefined) => boolean;
  /**
   * Where an agent framework already has an `execute_tool` span around a tool call, puts the attributes on that span instead of
   * making a second one inside it; the audit record carries that span's ids.
   * @defaultValue false
   */
  readonly joinToolSpans?: boolean;
  /** How URIs, error messages, arguments and results on spans are redacted. @defaultValue the default policy */
  readonly redaction?: RedactionOptions;
}

/** The modules of v1's client and servers for CommonJS. The hook of `require` names files without their extension. */
const V1_REQUIRED = ['client', 'server', 'server/mcp'].map((name) => `${SDK_V1}/dist/cjs/${name}`);

/**
 * Runs each operation of MCP clients and servers as an OpenTelemetry span. Patches the classes of `@modelcontextprotocol/sdk` (v1), of
 * `@modelcontextprotocol/client` and of `@modelcontextprotocol/server` (v2) as they are loaded; ES modules need the loader hook as well (`otel-mcp-log/hook`).
 *
 * @example
 * ```ts
 * const sdk = new NodeSDK({
 *   instrumentations: [new McpInstrumentation()],
 *   spanProcessors: [new AuditSpanProcessor({ environment: 'production', sink: new FileSink('audit.jsonl') })],
 * });
 * sdk.start();
 * ```
 */
export class McpInstrumentation extends InstrumentationBase<McpInstrumentationConfig> {
  // The base class calls `init` and `enable` from its constructor, before initialisers and #private methods are there.
  declare private source: SpanSource | undefined;
  declare private onRequired: RequireListener | undefined;
  declare private onModule: ((module: SdkModule) => void) | undefined;
  declare private tracers: TracerProvider | undefined;
  declare private meters: MeterProvider | undefined;
  declare private redactor: Redactor | undefined;

  constructor(config: McpInstrumentationConfig = {}) {
    super(PACKAGE_NAME, PACKAGE_VERSION, config);
  }

  /** Definitions for the loader hook of another tool. Ours hands the SDK's modules over by itself, and needs none. */
  protected override init(): InstrumentationNodeModuleDefinition[] {
    if (otherRuntime() !== undefined || isLoaderHookRegistered()) return [];
    const patchAs = (name: string) => (exports: unknown, version?: string) =>
      this.take(exports, { name, version });
    const keep = () => undefined;
    const files = ['client/index.js', 'server/index.js', 'server/mcp.js'];
    const v1 = [
      new InstrumentationNodeModuleDefinition(
        SDK_V1,
        ['*'],
        undefined,
        undefined,
        files.map(
          (file) =>
            new InstrumentationNodeModuleFile(`${SDK_V1}/dist/esm/${file}`, ['*'], patchAs(SDK_V1), keep),
        ),
      ),
      // The names by which programs import the modules: some hooks wrap only the names that they are given.
      ...[...files, 'client', 'server'].map(
        (name) => new InstrumentationNodeModuleDefinition(`${SDK_V1}/${name}`, ['*'], patchAs(SDK_V1), keep),
      ),
    ];
    const v2 = [SDK_V2, SDK_V2_SERVER].map(
      (name) => new InstrumentationNodeModuleDefinition(name, ['*'], patchAs(name), keep),
    );
    // `discover` decides which versions can be patched, for every way of loading them.
    return [...v1, ...v2].map((definition) => Object.assign(definition, { includePrerelease: true }));
  }

  /** Wraps the clients and servers of every copy of the SDK that is loaded now or later. */
  override enable(): void {
    super.enable();
    this.source ??= {
      copy: COPY,
      isDefault: false,
      tracer: () => tracerOf(this.tracers),
      meter: () => meterOf(this.meters),
      settings: this.settings(),
    };
    enableSource(this.source);
    if (otherRuntime() === undefined) this.hookLoading();
    else diag.warn(`${PACKAGE_NAME}: ${noModuleHooks()}`);
    for (const { exports, file } of loadedModules()) this.take(exports, copyOf(file));
    for (const each of discovered) this.patch(each);
  }

  /** Removes the wrappers. Those that another tool has wrapped since stay, and pass calls through. */
  override disable(): void {
    super.disable();
    if (this.source === undefined) return;
    disableSource(this.source);
    for (const each of discovered) unpatchClass(each.prototype, this.source);
  }

  /** @throws ConfigError for an unknown option, or a value of the wrong kind. */
  override setConfig(config: McpInstrumentationConfig): void {
    super.setConfig(checkOptions('McpInstrumentationConfig', 'McpInstrumentation', config));
    this.redactor = undefined;
  }

  override setTracerProvider(provider: TracerProvider): void {
    super.setTracerProvider(provider);
    this.tracers = provider;
  }

  override setMeterProvider(provider: MeterProvider): void {
    super.setMeterProvider(provider);
    this.meters = provider;
  }

  /** Reads the configuration for each operation, since it may be set later. */
  private settings(): SpanSource['settings'] {
    return {
      recordInputs: () => this.getConfig().recordInputs === true,
      recordOutputs: () => this.getConfig().recordOutputs === true,
      joinToolSpans: () => this.getConfig().joinToolSpans === true,
      propagatesTo: (address) => {
        const { propagate } = this.getConfig();
        return typeof propagate === 'function' ? propagate(address) : propagate !== false;
      },
      allowBaggage: (address) => this.getConfig().allowBaggage?.(address) === true,
      redactor: () => (this.redactor ??= createRedactor(this.getConfig().redaction)),
    };
  }

  /** Hooks once. What is loaded while the instrumentation is disabled is patched when it is enabled again. */
  private hookLoading(): void {
    this.onRequired ??= (exports, copy) => void this.take(exports, copy);
    onRequired(this.onRequired);
    this.onModule ??= ({ exports, url }) => void this.take(exports, copyOf(url) ?? packageOf(url));
    handOverRequired();
    onSdkModule(this.onModule);
  }

  private take<T>(exports: T, copy: (Omit<SdkCopy, 'path'> & Partial<SdkCopy>) | undefined): T {
    const classes = discover(exports, copy ?? { name: 'the MCP SDK', version: undefined });
    if (this.isEnabled()) for (const each of classes) this.patch(each, copy?.version);
    return exports;
  }

  private patch({ prototype }: McpClientClass, version?: string): void {
    if (this.source === undefined) return;
    if (this.getConfig().servers === false && !isClient(prototype)) return;
    patchClass(prototype, this.source);
    const methods = methodsOf(prototype);
    notePatched({
      how: 'instrumentation',
      class: className(prototype),
      sdk: sdkOf(prototype),
      version,
      methods,
    });
  }
}

/** Takes the exports of a module of the SDK that was required, and the copy that it is of. */
type RequireListener = (exports: unknown, copy: Omit<SdkCopy, 'path'>) => void;

const requireListeners = new Set<RequireListener>();
let requireHook: Hook | undefined;

/**
 * Calls a listener for the modules of the SDK that are required from now on. There is one hook for all instrumentations, since each hook
 * costs every later `require`. It is a hook of our own: the root export of the v1 package names a file that does not exist, and
 * OpenTelemetry's shared hook gives up there; this one knows the path and finds every copy, nested ones included.
 */
function onRequired(listener: RequireListener): void {
  requireListeners.add(listener);
  requireHook ??= new Hook(
    [...V1_REQUIRED, SDK_V1, SDK_V2, SDK_V2_SERVER],
    { internals: true },
    (exports, name, folder) => {
      const copy = folder === undefined ? undefined : copyOf(`${folder}/package.json`);
      if (copy !== undefined && holdsClass(exports, name))
        for (const each of requireListeners) each(exports, copy);
      return exports;
    },
  );
}

/** Whether a module of the SDK exports clients or servers: it has one, or its path says so. */
function holdsClass(exports: unknown, name: string): boolean {
  const isIn = ['Client', 'Server', 'McpServer'].some((each) => peek(exports, each) !== undefined);
  return isIn || /[\\/](?:client|server)(?:[\\/.]|$)/.test(name);
}

/**
 * Patches a class of clients or servers by hand: for bundles, and for ES modules that were loaded before the instrumentation. Spans go to
 * the enabled {@link McpInstrumentation} if there is one, else to the global tracer provider. Safe to call twice. In a class that is
 * derived from the SDK's, each call of a method of the SDK's own is an operation.
 *
 * @returns The same class.
 * @throws TypeError when it is not the SDK's client class.
 *
 * @example
 * ```ts
 * import { Client } from '@modelcontextprotocol/sdk/client/index.js';
 * instrumentClient(Client);
 * ```
 */
export function instrumentClient<T extends McpClientClass>(client: T): T {
  if (classesIn({ Client: client, Server: client, McpServer: client }).length === 0) {
    throw new TypeError(
      'instrumentClient: expected the Client, Server or McpServer class of the MCP SDK, or one derived from it',
    );
  }
  patchClass(client.prototype, defaultSource);
  const methods = methodsOf(client.prototype);
  notePatched({
    how: 'instrumentClient',
    class: className(client.prototype),
    sdk: sdkOf(client.prototype),
    methods,
  });
  enableSource(defaultSource);
  return client;
}
