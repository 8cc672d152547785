import { SpanKind, type Context } from '@opentelemetry/api';
import { peek, peekCall, peekText } from '../internal/peek.js';
import type { ConnectionFacts, OperationDetail } from '../processor/operation.js';
import type { Answer, Judgement } from '../processor/outcome.js';
import { RequestTally } from '../processor/requestTally.js';
import type { Handling } from '../processor/served.js';
import type { KnownSecrets } from '../redaction/walk/pass.js';
import { newRecordId } from '../schema/ids.js';
import type { ActorChain } from '../processor/delegation.js';
import type { McpOAuth } from '../schema/record.js';
import type { SealedCall } from '../tools/approval.js';
import { authorizationOf, tokenChainOf, endpoint, portOf, serverParams, transportKind } from './transport.js';
import type { SpanSource } from './tracing.js';

/** An operation that has begun, as its span, its messages and its session see it. */
export interface OperationUnderWay extends OperationDetail {
  readonly client: object;
  readonly connection: Connection;
  /** CLIENT for what this side asks of the other, SERVER for what the other side asks of this one. */
  readonly kind: SpanKind;
  readonly source: SpanSource;
  /** The context that it runs in: the caller's, with its span. */
  readonly context: Context;
  /** Whether its ids are ours, because no OpenTelemetry SDK gave any. */
  readonly minted: boolean;
  readonly ended: boolean;
  /** Whether it is a stream that its caller does not read at the moment: only the caller can end it. */
  readonly isIdle: boolean;
  /** How the user decided about a request of the server: `accept`, `decline` or `cancel`. */
  decision: string | undefined;
  /** What became of the handler of a tool, on the side of the server. */
  handling: Handling | undefined;
  /** The caller's abort signal, of any class. */
  readonly signal: unknown;
  /** What may go over the wire, for a call that needs an approval. */
  sealed: SealedCall | undefined;
  /** Notes what its last request was answered with. */
  answered(answer: Answer): void;
  /** Notes secrets that its arguments, its result or the answers to the server's requests hold. */
  learn(secrets: KnownSecrets | undefined): void;
  /** Ends it. */
  conclude(judgement: Judgement, result?: unknown): void;
  /** Hands it to its recorders, once it has ended; undefined where there is nothing to wait for. */
  complete(): Promise<unknown> | undefined;
  /** The same without waiting for them. */
  completeInBackground(): void;
  /** Ends it and hands it to its recorders, without waiting for them. */
  finish(judgement: Judgement, result?: unknown): void;
}

/** The key in `_meta` by which each request names its client (revision 2026-07-28). */
const CLIENT_INFO = 'io.modelcontextprotocol/clientInfo';
/** The key by which it names the revision of the protocol. */
const PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion';
/** The same over HTTP, from revision 2025-06-18 on. */
const VERSION_HEADER = 'mcp-protocol-version';

/** Whether an object is the SDK's client or its server: a client has no clients whose version it could tell. */
export function sideOf(protocol: object): 'client' | 'server' {
  return typeof peek(protocol, 'getClientVersion') === 'function' ? 'server' : 'client';
}

/**
 * One connection of one client, or of one server: what the handshake and the transport tell of the two sides. The SDK learns most of it
 * while `connect` is under way; when the handshake is done, it is read once more and kept.
 */
export class Connection implements ConnectionFacts {
  readonly connectionId = newRecordId();
  /** Whether a login has happened and no logout since. */
  open: boolean;
  /** Whether the user has called `close()`: the end of the transport is then no event of its own. */
  closing = false;
  /** Whether the transport's owner is closing it: its end is then a logout. */
  isLeaving = false;
  /** Whether the transport has just reported an error: where it closes itself now, the session is lost, and its owner did not close it. */
  isInTrouble = false;
  /** Monotonic, in milliseconds. */
  readonly startedAt = performance.now();
  /** Whether every outgoing message is seen. False for a frozen transport, whose `send` cannot be replaced. */
  watched = true;
  /** The version of HTTP that was negotiated over TLS, once a request has shown it. */
  negotiatedHttp: string | undefined;
  /** The address that the last request went to, read from the socket. */
  peer: ConnectionFacts['peer'];
  /** Who ends the session, on the side of the server: set while its end is under way. */
  endedBy: OperationDetail['endedBy'];
  /** Whether the session existed before, so that the login needed no handshake. */
  resumed = false;
  /** Operations that have begun and not ended, the server's own requests among them. */
  readonly underWay = new Set<OperationUnderWay>();
  /** The SDK's client, or its server on the side of the server. */
  readonly client: object;
  /** On which side of the connection this process is. */
  readonly side: 'client' | 'server';
  readonly #requests = new RequestTally((log) => this.#idsUnderWay(log));
  #transport: unknown;
  #initializeParams: unknown;
  #initializeResult: unknown;
  #sessionId: string | undefined;
  #statedVersion: string | undefined;
  #statedClient: unknown;
  #parties: Parties | undefined;

  constructor(client: object, transport: unknown) {
    this.client = client;
    this.side = sideOf(client);
    this.#transport = transport ?? peek(client, 'transport');
    // The AI SDK's client has its transport before it connects.
    const mayBeOpen = this.#transport !== undefined && peek(client, 'isClosed') !== true;
    this.open = transport === undefined && mayBeOpen && this.isSession;
  }

  /** Its transport, where that is known. */
  get over(): object | undefined {
    return typeof this.#transport === 'object' && this.#transport !== null ? this.#transport : undefined;
  }

  /** Whether this is the connection over that transport. */
  isOver(transport: unknown): boolean {
    return this.#transport === transport;
  }

  /** Keeps what is known of both sides now: the client forgets it at its end, or replaces it at the next handshake. */
  remember(): void {
    this.#parties ??= this.#read();
  }

  /** The handshake's request as it was sent. */
  sawInitializeParams(params: unknown): void {
    this.#initializeParams = params;
  }

  /** The handshake's answer as the SDK took it. */
  sawInitializeResult(result: unknown): void {
    this.#initializeResult = result;
  }

  /** What a request says of its client and of the protocol, where there was no handshake. */
  sawRequest(params: unknown, info: unknown): void {
    const meta = peek(params, '_meta');
    const version =
      peek(meta, PROTOCOL_VERSION) ?? peek(peek(peek(info, 'requestInfo'), 'headers'), VERSION_HEADER);
    if (typeof version === 'string') this.#statedVersion = version;
    this.#statedClient = peek(meta, CLIENT_INFO) ?? this.#statedClient;
  }

  /**
   * Whether the connection is a session, which begins with the handshake and has an end. Over HTTP it is one where the server gave it
   * an id; a stateless server answers each request as if it were the first.
   */
  get isSession(): boolean {
    return this.side === 'client' || this.transport !== 'streamable-http' || this.sessionId !== undefined;
  }

  get requests(): RequestTally | undefined {
    return this.watched ? this.#requests : undefined;
  }

  get sessionId(): string | undefined {
    // Kept, because the transport forgets it at the end of the session, and the logout is a record of that session.
    return (this.#sessionId = peekText(this.#transport, 'sessionId') ?? this.#sessionId);
  }

  get clientName(): string | undefined {
    return this.#known.clientName;
  }

  get clientVersion(): string | undefined {
    return this.#known.clientVersion;
  }

  get clientCapabilities(): unknown {
    return this.#known.clientCapabilities;
  }

  get serverName(): string | undefined {
    return this.#known.serverName;
  }

  get serverVersion(): string | undefined {
    return this.#known.serverVersion;
  }

  get serverCapabilities(): unknown {
    return this.#known.serverCapabilities;
  }

  get protocolVersion(): string | undefined {
    return this.#known.protocolVersion;
  }

  get transport(): string | undefined {
    return this.#known.transport;
  }

  get serverAddress(): string | undefined {
    return this.#known.serverAddress;
  }

  get serverCommand(): readonly string[] | undefined {
    const server = serverParams(this.#transport);
    const command = peekText(server, 'command');
    if (command === undefined) return undefined;
    const args = peek(server, 'args');
    return [command, ...(Array.isArray(args) ? args.map(String) : [])];
  }

  get isRelayed(): boolean {
    return peek(this.#transport, 'isRelayed') === true;
  }

  /** Host and port for the span, where the transport dials a URL. */
  get hostAndPort(): { readonly host: string; readonly port: number } | undefined {
    return this.#known.hostAndPort;
  }

  get oauth(): McpOAuth | undefined {
    return this.#speaksHttp ? authorizationOf(this.#transport) : undefined;
  }

  get tokenChain(): ActorChain | undefined {
    return this.#speaksHttp ? tokenChainOf(this.#transport) : undefined;
  }

  /** Whether requests can carry a token. Asked with each record, so that nothing is looked up where no HTTP is spoken. */
  get #speaksHttp(): boolean {
    const { transport } = this.#known;
    return transport !== 'stdio' && transport !== 'in-memory';
  }

  /** The version of HTTP, where it is known: without TLS there is no negotiation, and so nothing but 1.1. */
  get httpVersion(): string | undefined {
    return this.#known.origin?.startsWith('http:') === true ? '1.1' : this.negotiatedHttp;
  }

  /** Scheme, host and port, where the transport dials a URL. */
  get origin(): string | undefined {
    return this.#known.origin;
  }

  get #known(): Parties {
    if (this.#parties !== undefined) return this.#parties;
    const parties = this.#read();
    // A client that had connected before it was wrapped.
    if (this.open && isComplete(parties)) this.#parties = parties;
    return parties;
  }

  #read(): Parties {
    const transport = this.#transport;
    // The first name is the MCP SDK's, the other the AI SDK's, where theirs differ.
    const own = (...names: string[]) =>
      names.map((name) => peek(this.client, name)).find((value) => value !== undefined);
    const serves = this.side === 'server';
    const clientInfo =
      peek(this.#initializeParams, 'clientInfo') ??
      (serves
        ? (this.#statedClient ?? peekCall(this.client, 'getClientVersion'))
        : own('_clientInfo', 'clientInfo'));
    const serverInfo =
      peek(this.#initializeResult, 'serverInfo') ??
      peekCall(this.client, 'getServerVersion') ??
      own('_serverInfo');
    const url = endpoint(transport);
    return {
      clientName: peekText(clientInfo, 'name'),
      clientVersion: peekText(clientInfo, 'version'),
      clientCapabilities:
        peek(this.#initializeParams, 'capabilities') ??
        (serves
          ? peekCall(this.client, 'getClientCapabilities')
          : own('_capabilities', 'clientCapabilities')),
      serverName: peekText(serverInfo, 'name'),
      serverVersion: peekText(serverInfo, 'version'),
      serverCapabilities:
        peek(this.#initializeResult, 'capabilities') ??
        peekCall(this.client, 'getServerCapabilities') ??
        own(...(serves ? ['_capabilities'] : ['serverCapabilities'])),
      protocolVersion: this.#negotiated(),
      transport: transportKind(transport),
      serverAddress: url ? url.origin + url.pathname : peekText(serverParams(transport), 'command'),
      hostAndPort: url && { host: url.hostname, port: portOf(url) },
      origin: url?.origin,
    };
  }

  #negotiated(): string | undefined {
    const negotiated = peekCall(this.client, 'getNegotiatedProtocolVersion');
    if (typeof negotiated === 'string') return negotiated;
    return (
      peekText(this.#initializeResult, 'protocolVersion') ??
      this.#statedVersion ??
      peekText(this.#transport, 'protocolVersion')
    );
  }

  /** The ids of requests of the client that are under way, on either side. */
  *#idsUnderWay(log: object): Generator<string, void, undefined> {
    const asked = this.side === 'server' ? SpanKind.SERVER : SpanKind.CLIENT;
    for (const { ending, kind, legs, recorders } of this.underWay)
      if (ending === undefined && kind === asked && recorders.some((recorder) => recorder.log === log))
        for (const { request_id: id } of legs) yield id;
  }
}

/** What no longer changes once the handshake is done. */
interface Parties {
  readonly clientName: string | undefined;
  readonly clientVersion: string | undefined;
  readonly clientCapabilities: unknown;
  readonly serverName: string | undefined;
  readonly serverVersion: string | undefined;
  readonly serverCapabilities: unknown;
  readonly protocolVersion: string | undefined;
  readonly transport: string | undefined;
  readonly serverAddress: string | undefined;
  readonly hostAndPort: { readonly host: string; readonly port: number } | undefined;
  readonly origin: string | undefined;
}

/** Only HTTP has a header that shows the protocol's version after the handshake. */
function isComplete({ serverName, protocolVersion, transport }: Parties): boolean {
  const isHeaderless = transport === 'stdio' || transport === 'in-memory';
  return serverName !== undefined && (protocolVersion !== undefined || isHeaderless);
}
