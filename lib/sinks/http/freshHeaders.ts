import { deadlineSignal } from '../../internal/duration.js';
import { ConfigError, SinkError } from '../../errors.js';
import { requireHeaders } from './endpoint.js';
import type { Authorization, Failure } from './exchange.js';
import { quietly } from '../emit.js';
import { until } from './until.js';

/** What a function of headers is told. */
export interface HeadersRequest {
  /** Whether the receiver has just refused (401) what the function gave last: a token kept until now must be a new one. */
  readonly refused: boolean;
}

/** Gives the header fields of one request, such as a token that lives an hour. */
export type HeadersFunction = (
  request: HeadersRequest,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

/** Asks a function of the user's for the headers of each request. What goes wrong with it may pass: the records wait. */
export class FreshHeaders implements Authorization {
  #refused = false;

  constructor(
    private readonly sink: string,
    private readonly give: HeadersFunction,
  ) {}

  async headers(remainingMs: number): Promise<{ headers: Record<string, string> } | Failure> {
    const refused = this.#refused;
    this.#refused = false;
    try {
      const signal = deadlineSignal(remainingMs);
      const given = await until(
        signal,
        quietly(async () => this.give({ refused })),
      );
      return { headers: requireHeaders('HttpSink.headers', given ?? null) };
    } catch (fault) {
      return { status: 'retryable', error: new SinkError(this.sink, `headers() failed: ${reasonOf(fault)}`) };
    }
  }

  refused(): void {
    this.#refused = true;
  }
}

/** The texts of users' errors may quote a token; those of this package never do. */
function reasonOf(fault: unknown): string {
  if (fault instanceof ConfigError) return fault.problem;
  return fault instanceof Error ? fault.name : typeof fault;
}
