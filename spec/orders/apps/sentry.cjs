require('./sentrySetup.cjs')(require('@sentry/node'));
