import { normalize, sep } from 'node:path';
import { diag } from '@opentelemetry/api';
import {
  InstrumentationBase,
  InstrumentationNodeModuleDefinition,
  InstrumentationNodeModuleFile,
  type InstrumentationConfig,
} from '@opentelemetry/instrumentation';
import { Hook } from 'require-in-the-middle';
import { createRedactor } from '../redaction/createRedactor.js';
import type { RedactionOptions } from '../redaction/options.js';
import type { Redactor } from '../redaction/redactor.js';
import { noModuleHooks, otherRuntime } from '../runtime.js';
import { shared } from '../shared.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import type { McpClientClass } from './client.js';
import { loadedClientClasses } from './loaded.js';
import { clientClassIn, patchClass, unpatchClass } from './patch.js';
import { defaultSource, disableSource, enableSource, type SpanSource } from './source.js';

/** Options of {@link McpInstrumentation}. They concern spans only; what is on record is the processor's to say. */
export interface McpInstrumentationConfig extends InstrumentationConfig {
  /**
   * Adds `gen_ai.tool.call.arguments` to the spans of tool calls and `gen_ai.prompt.variable.*` to those of prompts, redacted.
   * @defaultValue false
   */
  recordInputs?: boolean;
  /** Adds `gen_ai.tool.call.result`, redacted, to the spans of tool calls. @defaultValue false */
  recordOutputs?: boolean;
  /** Whether baggage may go to the server of this address, beside the trace context. @defaultValue to none */
  allowBaggage?: (serverAddress: string | undefined) => boolean;
  /**
   * Where an agent framework already has an `execute_tool` span around a tool call, puts our attributes on that span instead
   * of making a second one inside it; the audit record carries that span's ids.
   * @defaultValue false
   */
  joinToolSpans?: boolean;
  /** How URIs, error messages, arguments and results on spans are redacted. @defaultValue the default policy */
  redaction?: RedactionOptions;
}

/** Client classes that a loader has shown us; kept for every instrumentation that comes later. */
const discovered = shared('discovered', () => new Set<McpClientClass>());

const SDK_V1 = '@modelcontextprotocol/sdk';
const SDK_V2 = '@modelcontextprotocol/client';

/**
 * Runs each operation of an MCP client as an OpenTelemetry span. Patches the `Client` of `@modelcontextprotocol/sdk` (v1)
 * and `@modelcontextprotocol/client` (v2) as they are loaded; ES modules need the loader hook as well (`otel-mcp-log/hook`).
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
  declare private requireHook: Hook | undefined;
  declare private redactor: Redactor | undefined;

  constructor(config: McpInstrumentationConfig = {}) {
    super(PACKAGE_NAME, PACKAGE_VERSION, config);
  }

  protected override init(): InstrumentationNodeModuleDefinition[] {
    if (otherRuntime() !== undefined) return [];
    const patch = (exports: unknown) => this.discover(exports);
    const keep = () => undefined;
    const v1 = new InstrumentationNodeModuleDefinition(SDK_V1, ['>=1.10.0 <2'], undefined, undefined, [
      new InstrumentationNodeModuleFile(`${SDK_V1}/dist/esm/client/index.js`, ['*'], patch, keep),
    ]);
    return [v1, new InstrumentationNodeModuleDefinition(SDK_V2, ['>=2.0.0 <3'], patch, keep)];
  }

  /** Wraps the client of every copy of the SDK that is loaded, and of those that will be. */
  override enable(): void {
    super.enable();
    this.source ??= {
      tracer: () => this.tracer,
      meter: () => this.meter,
      settings: this.settings(),
    };
    enableSource(this.source);
    if (otherRuntime() === undefined) this.requireHook ??= this.hookRequire();
    else diag.warn(`${PACKAGE_NAME}: ${noModuleHooks()}`);
    for (const loaded of loadedClientClasses()) discovered.add(loaded);
    for (const client of discovered) patchClass(client.prototype, this);
  }

  /** Takes the wrappers off again, where no other tool has wrapped them since. */
  override disable(): void {
    super.disable();
    if (this.source !== undefined) disableSource(this.source);
    for (const client of discovered) unpatchClass(client.prototype, this);
  }

  override setConfig(config: McpInstrumentationConfig): void {
    super.setConfig(config);
    this.redactor = undefined;
  }

  /** Read anew for each operation, since the configuration may be set later. */
  private settings(): SpanSource['settings'] {
    return {
      recordInputs: () => this.getConfig().recordInputs === true,
      recordOutputs: () => this.getConfig().recordOutputs === true,
      joinToolSpans: () => this.getConfig().joinToolSpans === true,
      allowBaggage: (address) => this.getConfig().allowBaggage?.(address) === true,
      redactor: () => (this.redactor ??= createRedactor(this.getConfig().redaction)),
    };
  }

  /**
   * The root export of the v1 package names a file that does not exist, so the shared require hook of OpenTelemetry gives up
   * on it; a hook of our own that knows the path finds every copy, nested ones included.
   */
  private hookRequire(): Hook {
    const path = [SDK_V1, 'dist', 'cjs', 'client'].join(sep);
    return new Hook([path], { internals: true }, (exports, name) => {
      if (normalize(name) === `${path}${sep}index.js` || normalize(name) === path) this.discover(exports);
      return exports;
    });
  }

  private discover<T>(exports: T): T {
    const client = clientClassIn(exports);
    if (client !== undefined) {
      discovered.add(client);
      if (this.isEnabled()) patchClass(client.prototype, this);
    }
    return exports;
  }
}

/**
 * Patches a client class by hand: for bundles, and for ES modules that were loaded before the instrumentation. Spans go to
 * the enabled {@link McpInstrumentation} if there is one, else to the global tracer provider. Safe to call twice.
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
  if (clientClassIn({ Client: client }) === undefined) {
    throw new TypeError('instrumentClient: expected the Client class of the MCP SDK (a class with callTool)');
  }
  patchClass(client.prototype, defaultSource);
  enableSource(defaultSource);
  return client;
}
