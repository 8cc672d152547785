import { SpanKind } from '@opentelemetry/api';
import { RefusedError } from '../errors.js';
import { peek } from '../internal/peek.js';
import { SealedCall } from '../tools/approval.js';
import type { Elicit } from '../tools/approvals.js';
import type { Method } from './client.js';
import type { RunningOperation } from './operation.js';

/** The method by which a server asks the user of a client. */
const ELICITATION = 'elicitation/create';

/**
 * Gets the approvals that the recorders want for a call of a tool, one after the other. Until all have been given, no request of the
 * operation passes its transport.
 *
 * @returns undefined where none is wanted; else a promise of what refuses the call, or of undefined where it may be made. It may be
 * made as well where its caller has given it up meanwhile: the client then fails as without us, and sends nothing.
 */
export function approvalOf(running: RunningOperation): Promise<Error | undefined> | undefined {
  if (running.method !== 'tools/call' || running.kind !== SpanKind.CLIENT) return undefined;
  if (!running.recorders.some((recorder) => recorder.asksBeforeCalls)) return undefined;
  const means = {
    get sealed() {
      return seal(running);
    },
    signal: running.signal,
    elicit: elicitorOf(running.client),
  };
  const wanting = running.recorders.filter((recorder) => recorder.wantsApproval(running, means));
  if (wanting.length === 0) {
    running.sealed = undefined;
    return undefined;
  }
  seal(running);
  return (async () => {
    for (const recorder of wanting) {
      // One after the other: whoever is asked must not be asked about a call that another log has refused.
      const refusal = await recorder.approve(running, means);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  })();
}

/** Lets nothing out but the call as it is now, and that once it is approved. */
function seal(running: RunningOperation): SealedCall {
  return (running.sealed ??= new SealedCall(running.subject.toolName, running.subject.arguments));
}

/**
 * A request of an operation as it may go out.
 *
 * @param over The transport, where the operation itself gives it the request.
 * @throws RefusedError where the call needs an approval, and this is not what was approved.
 */
export function released(
  { sealed, method, connection }: RunningOperation,
  request: object,
  over?: object,
): object {
  if (sealed === undefined || peek(request, 'method') !== method) return request;
  // While somebody decided, the client may have connected to another server.
  if (over !== undefined && !connection.isOver(over))
    throw new RefusedError('approval_mismatch', 'the call was approved for another connection');
  return sealed.pass(request);
}

/** What asks the user of a client, as its server would: the handler that its owner has set for that. */
function elicitorOf(client: object): Elicit | undefined {
  const handlers = peek(client, '_requestHandlers');
  // The AI SDK's client keeps it as it was given.
  const handler =
    handlers instanceof Map ? handlers.get(ELICITATION) : peek(client, 'elicitationRequestHandler');
  if (typeof handler !== 'function') return undefined;
  return async (params, signal) => {
    const request = { method: ELICITATION, params };
    return Reflect.apply(handler as Method, client, [request, contextOf(signal)]) as unknown;
  };
}

/** What handlers get beside the request: `extra` of version 1 and `ctx` of version 2, for a request that came from no server. */
function contextOf(signal: AbortSignal): object {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('the question comes from the audit log, and there is no request to answer to'));
  const id = 'approval';
  return {
    signal,
    requestId: id,
    sendNotification: refuse,
    sendRequest: refuse,
    mcpReq: { id, method: ELICITATION, signal, send: refuse, notify: refuse },
  };
}
