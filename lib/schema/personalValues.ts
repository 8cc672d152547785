/** Values of a record that concern one person: encrypted with a key that can be destroyed, or withheld. */
export interface PersonalValues {
  /** Dotted names of the fields that held them, e.g. `mcp.tool_arguments`. */
  fields: readonly string[];
  /** The id of the person's key. */
  key_id?: string;
  /** The values: a JWE in the compact form (RFC 7516), whose header repeats the ids of the key and of the record. */
  jwe?: string;
  /**
   * Why there are no values: the person's key was destroyed before, it could not be had, or nobody could say whom the values concern.
   */
  withheld?: 'erased' | 'no_key' | 'no_subject';
}
