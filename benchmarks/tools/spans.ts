import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';

/** Spans that say what an instrumented client's say: in OTLP's JSON two thirds of a record's bytes. */
export function makeSpans(count: number, more: Record<string, string> = {}): ReadableSpan[] {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
  const tracer = provider.getTracer('benchmark');
  for (let index = 0; index < count; index++) {
    const attributes = {
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2025-06-18',
      'mcp.session.id': 'session-1',
      'gen_ai.tool.name': 'echo',
      'gen_ai.operation.name': 'execute_tool',
      'jsonrpc.request.id': String(index),
      'network.transport': 'pipe',
      ...more,
    };
    tracer.startSpan('tools/call echo', { attributes }).end();
  }
  return memory.getFinishedSpans();
}
