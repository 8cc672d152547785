export { fileAnchor, type Anchor } from './anchors.js';
export type { Announcement } from './announced.js';
export {
  formatTreeHead,
  openCheckpoint,
  parseCheckpoint,
  splitNotes,
  type Checkpoint,
  type TreeHead,
} from './checkpoint.js';
export type { LeafSource } from './comparison.js';
export type { Problem, ProblemKind } from './findings.js';
export { EMPTY_ROOT, hashFromBase64, hashToBase64, leafHash, nodeHash, type Hash } from './hash.js';
export type { IntegrityKey, NoteSigner, RemoteKey } from './keys.js';
export { integrityLayout, type IntegrityLayout } from './layout.js';
export { readLines, type LogLine } from './lines.js';
export { MerkleLog } from './log.js';
export type { LogWriter } from './logWriter.js';
export { CompactRange } from './merkle.js';
export {
  formatVkey,
  parseNote,
  parseVkey,
  parseWitnessVkey,
  verifyNote,
  type Note,
  type NoteSignature,
  type NoteVerifier,
} from './note.js';
export {
  resolveIntegrity,
  type IntegrityOptions,
  type ResolvedIntegrity,
  type TimestampsOptions,
  type WitnessesOptions,
} from './options.js';
export {
  consistencyRanges,
  inclusionRanges,
  ProofCollector,
  verifyConsistency,
  verifyInclusion,
  type ConsistencyClaim,
  type InclusionClaim,
  type LeafRange,
} from './proof.js';
export { exportTiles, findRecord, proveConsistency, proveRecord, type FoundRecord } from './proving.js';
export { findSegments, readSegments, type LogChunk, type Segment } from './segments.js';
export { MAX_LINE_BYTES, tilePath, TileWriter, type TileFile } from './tiles.js';
export {
  checkConsistencyProof,
  checkTlogProof,
  formatConsistencyProof,
  formatTlogProof,
  parseConsistencyProof,
  parseTlogProof,
  type ConsistencyProof,
  type TlogProof,
} from './tlogProof.js';
export {
  isBad,
  VERDICT_TITLES,
  verdictSentence,
  type Check,
  type Verdict,
  type VerdictStatus,
} from './verdict.js';
export {
  verifyLog,
  type CheckpointInput,
  type MissingSegment,
  type UnreadableSegment,
  type VerifyOptions,
  type VerifyReport,
} from './verify.js';
export { readCheckpoints, verifyLogFile, type VerifyFileOptions } from './verifyFile.js';
export { cosignaturesOf, type Cosignature } from './witness/cosignature.js';
export { parsePolicy, type PolicyWitness, type WitnessPolicy } from './witness/policy.js';
export { Witness, type WitnessAnswer, type WitnessOptions } from './witness/witness.js';
export type { WitnessFetch } from './witness/post.js';
export type { TimestampFetch } from './timestamp/timestamps.js';
export { verifyTimestamp, type Timestamp } from './timestamp/verify.js';
export type { TimestampInput, TimestampOptions } from './vouchers.js';
