import { after } from '../internal/duration.js';

/** Resolves when something has come to its end, or after so many milliseconds. It must not reject. */
export async function waitAtMost(milliseconds: number, something: Promise<unknown>): Promise<void> {
  let cancel = () => {};
  const patience = new Promise<void>((resolve) => {
    const timer = after(milliseconds, resolve);
    cancel = () => clearTimeout(timer);
  });
  await Promise.race([something, patience]);
  cancel();
}
