// What bundlers for browsers get in place of this package. It throws when it is loaded, with a message that says why, and is
// CommonJS so that a bundler lets every name be imported from it and the message is what people see.
throw new Error(
  'otel-mcp-log: runs in Node.js, Bun and Deno only: browsers have no files to keep an audit log in and no secret to sign ' +
    'it with. Import it in the server part of the application alone. See docs/runtimes.md.',
);

export {};
