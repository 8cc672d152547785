import type { Question } from '../harness/question.js';
import { acceptCost } from './acceptCost.js';
import { ceilings } from './ceilings.js';
import { codecs } from './codecs.js';
import { archive, destinations } from './destinations.js';
import { erasure } from './erasure.js';
import { eventLoop } from './eventLoop.js';
import { fileSink } from './fileSink.js';
import { groupCommit } from './groupCommit.js';
import { growth } from './growth.js';
import { httpSink } from './httpSink.js';
import { importTime } from './importTime.js';
import { integrity } from './integrity.js';
import { memory } from './memory.js';
import { perCall, perCallV2, sampling } from './perCall.js';
import { perCallWithNode } from './perCallNodes.js';
import { perCallOnTheWire } from './perCallWire.js';
import { perRecord } from './perRecord.js';
import { query } from './query.js';
import { largeTexts, readmeTexts, redaction } from './redaction.js';
import { reconcile } from './reconcile.js';
import { relay } from './relay.js';
import { report } from './report.js';
import { perServedCall } from './served.js';
import { size } from './size.js';
import { spool } from './spool.js';
import { sql } from './sql.js';
import { verify } from './verify.js';
import { witnessed } from './witnessed.js';

/** Every question, in the order in which they are asked and told. */
export const questions: readonly Question[] = [
  ...[perCall, ...perCallWithNode, perCallV2, ...perCallOnTheWire, perServedCall, sampling],
  ...[perRecord, redaction, readmeTexts, largeTexts, codecs, integrity, witnessed, erasure],
  ...[fileSink, acceptCost, groupCommit, httpSink, spool, memory, ceilings],
  ...growth,
  ...[eventLoop, importTime, size, relay],
  ...[verify, query, report, sql, reconcile],
  ...[archive, destinations],
];
