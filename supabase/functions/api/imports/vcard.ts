/**
 * vCard: reads the properties of cards in the versions 2.1 (Versit Consortium, 1996), 3.0 (RFC 2426)
 * and 4.0 (RFC 6350). Every step is linear in the length of the text, whatever the text is.
 */

/** A line of a card, such as `item1.TEL;TYPE=work:+49 30 1`. */
export interface Property {
  /** In upper case. */
  name: string;
  /** Properties with the same group belong together. */
  group: string;
  /** Values of `TYPE`, in lower case. */
  types: string[];
  /** Decoded, but still with backslashes before separators. */
  value: string;
}

/** A card's text, or text between cards. `length`: the position after it. */
export interface CardText {
  text: string;
  length: number;
}

/** Splits a text after each `END:VCARD`. What follows the last one is left out. */
export function* cardsIn(text: string, isLast: boolean): Generator<CardText> {
  const end = /^END:VCARD[ \t]*(?:\r\n?|\n|$)/gim;
  let start = 0;
  while (end.exec(text)) {
    const length = end.lastIndex;
    // At the end of a block the line may continue.
    if (length === text.length && !isLast) return;
    yield { text: text.slice(start, length), length };
    start = length;
  }
}

/** Reads the properties of a card. Lines that are none are left out. */
export function propertiesOf(card: string): Property[] {
  const properties: Property[] = [];
  const lines = unfolded(card).split(/\r\n?|\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = LINE.exec(lines[index] ?? "");
    if (!line) continue;
    const [, group = "", name = "", parameters = "", first = ""] = line;
    const { types, charset, isQuotedPrintable } = readParameters(parameters);
    let value = first;
    if (isQuotedPrintable) {
      // A line that ends with `=` continues (RFC 2045, 6.7).
      const parts = [value];
      while (parts.at(-1)?.endsWith("=") && index + 1 < lines.length) {
        parts.push(lines[++index] ?? "");
      }
      value = decodeQuotedPrintable(parts.map((part) => part.replace(/=$/, "")).join(""), charset);
    }
    properties.push({ name: name.toUpperCase(), group: group.toLowerCase(), types, value });
  }
  return properties;
}

/** Version 2.1 folds before white space of the text, later ones insert it (RFC 6350, 3.2). */
function unfolded(card: string): string {
  const isOld = /^VERSION:2\.1/im.test(card);
  // A quoted-printable line that continues ends with `=`.
  return card.replace(isOld ? /(?<!=)(?:\r\n?|\n)(?=[ \t])/g : /(?:\r\n?|\n)[ \t]/g, "");
}

/** A parameter's value in quotation marks may hold `;` and `:`. */
const LINE = /^(?:([\w-]+)\.)?([\w-]+)((?:;(?:"[^"]*"|[^":;])*)*):(.*)$/s;
const PARAMETER = /;(?:([\w-]+)=)?((?:"[^"]*"|[^";])*)/g;

function readParameters(text: string) {
  const types: string[] = [];
  let charset = "utf-8";
  let isQuotedPrintable = false;
  for (const [, key = "type", quoted = ""] of text.matchAll(PARAMETER)) {
    const value = quoted.replaceAll('"', "").toLowerCase();
    // Version 2.1 leaves the key out: `TEL;WORK;VOICE:`.
    if (key.toLowerCase() === "type") types.push(...value.split(","));
    if (key.toLowerCase() === "charset") charset = value;
    if (value === "quoted-printable") isQuotedPrintable = true;
  }
  return { types, charset, isQuotedPrintable };
}

function decodeQuotedPrintable(text: string, charset: string): string {
  const decoder = decoderOf(charset);
  return text.replace(/(?:=[0-9A-F]{2})+/gi, (escaped) => {
    const bytes = escaped.slice(1).split("=").map((hex) => parseInt(hex, 16));
    return decoder.decode(Uint8Array.from(bytes));
  });
}

/** A character set that the platform does not know is read as UTF-8. */
function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

/** Splits a value at separators without a backslash before them (RFC 6350, 3.4). */
export function splitValue(value: string, separator: ";" | ","): string[] {
  const parts = [""];
  for (
    const [part] of value.matchAll(separator === ";" ? /\\.|[^\\;]+|;|\\/gs : /\\.|[^\\,]+|,|\\/gs)
  ) {
    if (part === separator) parts.push("");
    else parts.push((parts.pop() ?? "") + part);
  }
  return parts.map((part) => plainText(part));
}

/** Removes the backslashes, and the white space around. */
export function plainText(value: string): string {
  return value.replace(/\\([\\,;:nN])/g, (_, character) => /n/i.test(character) ? "\n" : character)
    .replace(/\r\n?/g, "\n").trim();
}
