import type { Judgement } from '../processor/outcome.js';
import { ignore, whenAdmitted } from './admission.js';
import { begin, inside, settle, type ObservedCall } from './call.js';
import { peek } from './client.js';
import type { RunningOperation } from './running.js';

/**
 * v2's `listen`: the operation lasts as long as the subscription does, and its record says who ended it. A subscription that
 * was never acknowledged fails as any call does. Nobody waits for the record: the caller has long gone on.
 */
export function observeListen(call: ObservedCall): unknown {
  const running = begin(call);
  if (running === undefined) return call.proceed();
  return whenAdmitted(running, () => {
    const opening = opened(running, call.proceed);
    return opening.then(
      (subscription) => {
        const closed = peek(subscription, 'closed');
        if (!(closed instanceof Promise)) return settle(running, () => opening);
        closed.then((cause: unknown) => end(running, cause), ignore);
        return subscription;
      },
      () => settle(running, () => opening),
    );
  });
}

/** A subclass may do anything but give a promise. */
async function opened(running: RunningOperation, proceed: () => unknown): Promise<unknown> {
  return inside(running, proceed);
}

/** v2 says `local` for `close()` of the subscription, `graceful` where the server answered, `remote` for all else. */
function end(running: RunningOperation, cause: unknown): void {
  const byClient = cause === 'local' || running.connection.closing;
  running.endedBy = byClient ? 'client' : cause === 'graceful' ? 'server' : 'remote';
  running.conclude(running.endedBy === 'remote' ? LOST : { outcome: 'OUTCOME_SUCCESS' }, undefined, 'value');
  running.complete()?.catch(ignore);
}

const LOST: Judgement = {
  outcome: 'OUTCOME_FAILURE_ERROR',
  error: { type: 'connection_closed', message: 'the server or the connection broke the subscription off' },
};
