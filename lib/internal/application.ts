import nodeModule from 'node:module';
import { join } from 'node:path';

/**
 * The `require` of the application: loads what it installed for us to use, such as an optional peer or an exporter of its own.
 *
 * It is not called `createRequire`, here or anywhere in `lib`: bundles of ES modules often begin with a line that declares this
 * name, so that their CommonJS parts can run, and a second declaration would be a syntax error.
 *
 * @param folder Where the application is. Default: the working directory.
 */
export function applicationRequire(folder = process.cwd()): NodeJS.Require {
  return nodeModule.createRequire(join(folder, 'app.js'));
}
