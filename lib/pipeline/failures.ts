import { SinkError } from '../errors.js';

/** The failure of a sink that has not answered in time. */
export function timeoutError(sink: string, deadlineMs: number): SinkError {
  return new SinkError(sink, `sink '${sink}' has not answered within ${deadlineMs} ms`, {
    code: 'MCP_LOG_ERR_SINK_TIMEOUT',
  });
}
