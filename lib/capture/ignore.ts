/** Failures of delivery that no caller waits for have been reported by the recorder's own `onError`. */
export function ignore(): void {
  return;
}
