// Mocha lets errors keep all their frames, but not in the processes that run files side by side: there it is done here.
Error.stackTraceLimit = Infinity;
