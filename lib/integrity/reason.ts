import { IntegrityError } from '../errors.js';

/** What users' callbacks and services say may hold secrets: of their errors, only the code or the class is told. */
export function reasonOf(error: unknown): string {
  if (error instanceof IntegrityError) return error.message;
  if (!(error instanceof Error)) return typeof error;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error.name;
}
