import { checkModel } from './model.js';

describe('the model of delivery', function () {
  this.timeout(60_000);
  for (const mode of ['blocking', 'batch'] as const)
    for (const spooled of [false, true])
      it(`holds in ${mode} mode, ${spooled ? 'behind a spool' : 'straight to the receiver'}`, () =>
        checkModel({ mode, spooled }, spooled ? 10 : 40));
});
