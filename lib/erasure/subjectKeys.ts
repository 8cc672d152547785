/** The key of one person. */
export interface SubjectKey {
  /** What records call it. It must say nothing of the person to those who lack the store. */
  readonly id: string;
  /** 32 random bytes. */
  readonly key: Uint8Array;
}

/**
 * Keys of persons as records ask for them. All calls but `ready` are synchronous, since most records find their key at hand. What a
 * call throws is reported, and the values of the record are withheld. A folder of keys does it ({@link openSubjectKeys}), and so does
 * a store that is asked over a network, with a cache ({@link CachedSubjectKeys}).
 */
export interface SubjectKeys {
  /**
   * Called before a record asks for a person's key. Where the key has to be fetched first, a promise that resolves when `keyFor` can
   * answer, or cannot for now; the record waits for it, and those after it wait too. Undefined where the key is at hand.
   */
  ready?(subject: string): Promise<void> | undefined;
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
  /** Whether a key was not destroyed since it was given out. Asked for each record where there is `ready`, else at most once a second for each key. */
  isKept(keyId: string): boolean;
}

/**
 * Where the keys of persons are kept, behind a network: a database whose rows a KMS has encrypted, or a KMS itself. Give it to
 * {@link CachedSubjectKeys}. A call that fails is repeated, so each must be safe to repeat.
 */
export interface SubjectKeyStore {
  /** The key of a person; undefined where there never was one, `'erased'` where it was destroyed. */
  get(subject: string): Promise<SubjectKey | 'erased' | undefined>;
  /**
   * Makes a key for a person who has none. It is durable when the promise resolves. Where another process was faster, its key is the
   * answer; where the person was erased meanwhile, `'erased'`.
   */
  create(subject: string): Promise<SubjectKey | 'erased'>;
  /** Destroys the key of a person for good, in every copy, and notes that it was: `get` then answers `'erased'`. */
  destroy(subject: string): Promise<void>;
}
