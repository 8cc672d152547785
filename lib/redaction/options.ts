/** stub */
export interface RedactionOptions {
  redactPatterns?: readonly (string | RegExp)[];
}
