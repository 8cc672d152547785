/** The key of one person. */
export interface SubjectKey {
  /** What records call it. It must say nothing of the person to those who lack the store. */
  readonly id: string;
  /** 32 random bytes. */
  readonly key: Uint8Array;
}

/**
 * Where the keys of persons are kept. A folder does it ({@link openSubjectKeys}); write your own to keep them elsewhere. All calls
 * are synchronous, since a record must not wait for a network: fetch what you need before, or keep the keys at hand, encrypted by
 * a key of your KMS. What a call throws is reported, and the values of the record are withheld.
 */
export interface SubjectKeys {
  /**
   * What stands on record in place of a person's id: the same for the same person, and nothing from which the id can be found
   * without the store, such as a keyed digest.
   */
  pseudonym(subject: string): string;
  /**
   * The key of a person, made now if there is none, and durable when this returns; `'erased'` where it was destroyed: then it must
   * not be made anew.
   */
  keyFor(subject: string): SubjectKey | 'erased';
  /** Whether a key was not destroyed since it was given out. Asked at most once a second for each key in use. */
  isKept(keyId: string): boolean;
}
