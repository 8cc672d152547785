// What every program starts and asks for: the protocol's own test server over stdio.
export const command = process.execPath;
export const args = [process.argv[2], 'stdio'];

/** What the server's tool says, and what it refuses: its own schema lets the number pass. */
export const ECHO = { message: 'hello' };
export const REFUSED = { resourceType: 'Text', resourceId: 0.5 };

/** Prints what a call came to, its failure included. */
export async function show(name, act) {
  try {
    print(name, await act());
  } catch (error) {
    print(`${name} failed`, `${error?.name}: ${error?.message}`);
  }
}

export function print(name, value) {
  process.stdout.write(`${name}: ${JSON.stringify(value)}\n`);
}
