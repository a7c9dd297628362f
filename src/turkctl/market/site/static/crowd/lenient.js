// JSON as people write it in attributes: single quotes, bare names, comments and a comma at the end are fine.

/** Read the text; undefined if it is empty or no such JSON. */
export function lenient(text) {
  try {
    const reader = new Reader(text);
    const value = reader.value();
    reader.end();
    return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (text.trim()) console.warn(`crowd elements: ${error.message}: ${text.slice(0, 200)}`);
    return undefined;
  }
}

const ESCAPES = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };
const WORDS = { true: true, false: false, null: null, undefined: null };

class Reader {
  #text;
  #at = 0;

  constructor(text) {
    this.#text = text;
  }

  value() {
    const token = this.#peek();
    if (token === "[") return this.#list("]", () => this.value());
    if (token === "{") return Object.fromEntries(this.#list("}", () => this.#pair()));
    if (token === '"' || token === "'") return this.#string();
    const word = this.#match(/[^\s,\]}:"']+/y);
    if (Object.hasOwn(WORDS, word)) return WORDS[word];
    if (Number.isNaN(Number(word))) throw new SyntaxError(`"${word}" is no value`);
    return Number(word);
  }

  end() {
    if (this.#peek()) throw new SyntaxError("there is something after the value");
  }

  #peek() {
    this.#match(/(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/y);
    return this.#text.charAt(this.#at);
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) throw new SyntaxError(`character ${this.#at + 1} is not expected`);
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #list(close, read) {
    const items = [];
    this.#at += 1;
    while (this.#peek() !== close) {
      items.push(read());
      if (this.#peek() === ",") this.#at += 1;
      else if (this.#peek() !== close) throw new SyntaxError(`a comma or ${close} is missing`);
    }
    this.#at += 1;
    return items;
  }

  #pair() {
    const first = this.#peek();
    const name = first === '"' || first === "'" ? this.#string() : this.#match(/[\w$-]+/y);
    if (this.#peek() !== ":") throw new SyntaxError("a colon is missing");
    this.#at += 1;
    return [name, this.value()];
  }

  #string() {
    const quote = this.#text.charAt(this.#at);
    const body = this.#match(quote === '"' ? /"(?:[^"\\]|\\[^])*"/y : /'(?:[^'\\]|\\[^])*'/y).slice(1, -1);
    return body.replace(/\\(u([0-9a-fA-F]{4})|[^])/g, (_, escape, code) =>
      code ? String.fromCharCode(parseInt(code, 16)) : ESCAPES[escape] ?? escape);
  }
}
