/** Text as one word of a shell: for lines that people are told to type. */

/** As it is where that is safe, else in quotes. */
export function shellWord(text: string): string {
  return /^[\w./:@,+-]+$/.test(text) ? text : shellQuoted(text);
}

export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
