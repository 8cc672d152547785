// The long round of model.spec.ts.
import { PROPERTY_SEED } from '../support/propertySeed.js';
import { checkModel, SETTINGS } from './model/check.js';

describe(`the model of delivery, for longer (${PROPERTY_SEED})`, function () {
  this.timeout(600_000);
  for (const [title, setting] of SETTINGS) it(title, () => checkModel(setting, setting.spooled ? 60 : 300));
});
