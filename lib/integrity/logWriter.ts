/** What a log asks of whoever writes its file. */
export interface LogWriter {
  /** Resolves when all lines that were appended are on the disk. */
  sync(): Promise<void>;
  /** Something is wrong with the evidence; the log itself goes on. */
  onError(error: Error): void;
}
