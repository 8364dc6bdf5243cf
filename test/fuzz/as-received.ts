/** What Node lets through as the value of a header. */

/** biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for */
const controls = /[\x00-\x08\x0a-\x1f\x7f]/g;

/** A text of latin1 without what Node refuses and without the blanks around. */
export function asReceived(text: string): string {
  return text.replace(controls, "").replace(/^[ \t]+|[ \t]+$/g, "");
}

/** Whether Node would send this as a value. */
export function canBeSent(value: string): boolean {
  return value.search(controls) < 0 && !/[\u0100-\uffff]/.test(value);
}
