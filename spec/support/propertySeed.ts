import fc from 'fast-check';

/** What property tests draw their values from, to be told where a long round may find something. */
export const PROPERTY_SEED = `FAST_CHECK_SEED=${fc.readConfigureGlobal()?.seed}`;
