import * as Sentry from '@sentry/node';
import setUp from './sentrySetup.cjs';

setUp(Sentry);
