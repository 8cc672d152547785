import { checkModel, SETTINGS } from './model/check.js';

describe('the model of delivery', function () {
  this.timeout(60_000);
  for (const [title, setting] of SETTINGS) it(title, () => checkModel(setting, setting.spooled ? 6 : 30));
});
