export { fileAnchor, type Anchor } from './sealing/anchors.js';
export type { Announcement } from './sealing/announced.js';
export {
  formatTreeHead,
  openCheckpoint,
  parseCheckpoint,
  splitNotes,
  type Checkpoint,
  type TreeHead,
} from './tlog/checkpoint.js';
export type { LeafSource } from './verification/comparison.js';
export type { Problem, ProblemKind } from './verification/findings.js';
export { EMPTY_ROOT, hashFromBase64, hashToBase64, leafHash, nodeHash, type Hash } from './tlog/merkle.js';
export type { IntegrityKey, NoteSigner, RemoteKey } from './sealing/keys.js';
export { integrityLayout, type IntegrityLayout } from './storage/layout.js';
export { readLines, type LogLine } from './storage/lines.js';
export { MerkleLog } from './sealing/log.js';
export type { LogWriter } from './sealing/evidence.js';
export { CompactRange } from './tlog/merkle.js';
export {
  formatVkey,
  parseNote,
  parseVkey,
  parseWitnessVkey,
  verifyNote,
  type Note,
  type NoteSignature,
  type NoteVerifier,
} from './tlog/note.js';
export {
  resolveIntegrity,
  type IntegrityOptions,
  type ResolvedIntegrity,
  type TimestampsOptions,
  type WitnessesOptions,
} from './sealing/options.js';
export {
  consistencyRanges,
  inclusionRanges,
  ProofCollector,
  verifyConsistency,
  verifyInclusion,
  type ConsistencyClaim,
  type InclusionClaim,
  type LeafRange,
} from './tlog/proof.js';
export { exportTiles, findRecord, proveConsistency, proveRecord, type FoundRecord } from './proving.js';
export { findSegments, readSegments, type LogChunk, type Segment } from './storage/segments.js';
export { MAX_LINE_BYTES, tilePath, TileWriter, type TileFile } from './tlog/tiles.js';
export {
  checkConsistencyProof,
  checkTlogProof,
  formatConsistencyProof,
  formatTlogProof,
  parseConsistencyProof,
  parseTlogProof,
  type ConsistencyProof,
  type TlogProof,
} from './tlog/tlogProof.js';
export {
  isBad,
  VERDICT_TITLES,
  verdictSentence,
  type Check,
  type Verdict,
  type VerdictStatus,
} from './verification/verdict.js';
export {
  verifyLog,
  type CheckpointInput,
  type MissingSegment,
  type UnreadableSegment,
  type VerifyOptions,
  type VerifyReport,
} from './verification/verify.js';
export { readCheckpoints, verifyLogFile, type VerifyFileOptions } from './verification/verifyFile.js';
export { cosignaturesOf, type Cosignature } from './tlog/cosignature.js';
export { parsePolicy, type PolicyWitness, type WitnessPolicy } from './tlog/policy.js';
export { Witness, type WitnessAnswer, type WitnessOptions } from './witness.js';
export type { WitnessFetch } from './sealing/witnesses.js';
export type { TimestampFetch } from './sealing/timestamps.js';
export { verifyTimestamp, type Timestamp } from './verification/timestamp.js';
export type { TimestampInput, TimestampOptions } from './verification/vouchers.js';
