/**
 * Whether records commit to their content, and who may check it.
 *
 * @see docs/commitments.md
 */
export interface CommitmentOptions {
  /**
   * Commits each record to what was sent and returned, as it was before redaction: keyed digests by which somebody who has the content
   * can prove later that it is that of the record (`prove --content`). They show nothing to who has not the key.
   * @defaultValue true where a sink keeps a file, which the key lies beside, or `commitmentKey` is set
   * @variable OTEL_MCP_LOG_COMMITMENTS
   */
  readonly commitments?: boolean;
  /**
   * The file of the keys of the commitments, made with mode 0600 if it is not there yet. The last key in it is in use.
   * @defaultValue `<log>.commitment.key` beside the log of the first `FileSink`
   * @variable OTEL_MCP_LOG_COMMITMENT_KEY
   */
  readonly commitmentKey?: string;
  /**
   * Whether requests carry the commitment to their arguments in `params._meta`, so that the server's log says whether they arrived as they
   * were sent, and `reconcile` can compare both logs without their content: to all servers, to none, or to those whose address a
   * function returns `true` for.
   * @defaultValue false, since servers of others have no use for it
   * @variable OTEL_MCP_LOG_PROPAGATE_COMMITMENTS
   * @see docs/reconcile.md
   */
  readonly propagateCommitments?: boolean | ((serverAddress: string | undefined) => boolean);
}
