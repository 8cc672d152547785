import { describeLargeLog } from './largeLog.js';

describeLargeLog(50);
