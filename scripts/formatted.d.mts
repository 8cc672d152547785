/** A text as `npm run format` would leave it; the ending of the file's name says what it is. */
export function formatted(file: string, text: string): Promise<string>;
