export type { Anchor } from './sealing/anchors.js';
export type { IntegrityKey, RemoteKey } from './sealing/keys.js';
export { openCheckpoint, type Checkpoint } from './tlog/checkpoint.js';
export type { Hash } from './tlog/merkle.js';
export { parseVkey, type NoteVerifier } from './tlog/note.js';
export { parsePolicy } from './tlog/policy.js';
export {
  checkConsistencyProof,
  checkTlogProof,
  parseConsistencyProof,
  parseTlogProof,
} from './tlog/tlogProof.js';
export type { VerifyReport } from './verification/verdict.js';
export { verifyLog, type VerifyOptions } from './verification/verify.js';
export { verifyLogFile, type VerifyFileOptions } from './verification/verifyFile.js';
