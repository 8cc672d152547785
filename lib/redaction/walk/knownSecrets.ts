/** What is known beforehand of a record or a value that is to be redacted. */
export interface KnownSecrets {
  /** Secrets that are hidden wherever they stand. */
  readonly echoes?: readonly string[] | undefined;
  /** Places that hold one, each as the keys that lead there from the record on. */
  readonly places?: readonly (readonly string[])[] | undefined;
  /** The id of the session, as the protocol gave it: hidden wherever it stands, unless session ids are kept. */
  readonly sessionId?: string | undefined;
}
