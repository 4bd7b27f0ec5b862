// What a page says: WORDS, out of words.json, in the language that is chosen.
let language = /^pt\b/i.test(navigator.language) ? "pt" : "en";

function say(word, values = {}) {
  return WORDS[word][language === "pt" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// A text that Python made: a string, or strings and [word, values] one after the other.
function spoken(text) {
  if (!Array.isArray(text)) return text;
  return text.map((part) => {
    if (!Array.isArray(part)) return part;
    const values = Object.entries(part[1]).map(([name, value]) => {
      return [name, typeof value === "number" ? written(value) : spoken(value)];
    });
    return say(part[0], Object.fromEntries(values));
  }).join("");
}

// With a capital letter, as a sentence of its own.
function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// A number as the language writes it, with four digits. NaN and infinities come as text.
function written(value, digits = 4) {
  if (typeof value === "string") value = Number(value);
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "∞");
  const size = Math.abs(value);
  const notation = size !== 0 && (size < 1e-3 || size >= 1e6) ? "scientific" : "standard";
  const locale = language === "pt" ? "pt-BR" : "en-US";
  return new Intl.NumberFormat(locale, { maximumSignificantDigits: digits, notation })
    .format(value)
    .replace("E", "e");
}

function bytes(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${written(Number((count / size).toPrecision(3)))} ${unit}`;
  }
  return `${count} B`;
}
