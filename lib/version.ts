/** This package's name, as records, tracers and meters carry it. */
export const PACKAGE_NAME = 'otel-mcp-log';
/** This package's version; a test holds it equal to package.json. */
export const PACKAGE_VERSION = '0.1.0';
