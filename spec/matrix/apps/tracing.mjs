// An OpenTelemetry set-up that knows nothing of auditing, as a user of the zero-code entry has one.
import { startProvider } from './provider.cjs';

startProvider();
