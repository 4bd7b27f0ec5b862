// What every page has: its data, its language and theme, and the keyboard.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function name(id, word) {
  $(id).title = say(word);
  $(id).setAttribute("aria-label", say(word));
}

function made(tag, className, text, parent) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

// Everything that is marked with its word, in the chosen language.
function translatePage(title) {
  document.documentElement.lang = language === "pt" ? "pt-BR" : "en";
  document.title = `airi: ${say(title)}`;
  for (const each of document.querySelectorAll("[data-word]")) {
    each.textContent = say(each.dataset.word);
  }
  $("language").textContent = say("language");
  $("language").lang = language === "pt" ? "en" : "pt-BR";
  $("language").title = say("languageTitle");
  $("theme").textContent = say(isDark() ? "light" : "dark");
}

// `changed` is called after a change of language or theme.
function listenToPage(changed) {
  $("language").addEventListener("click", () => {
    language = language === "pt" ? "en" : "pt";
    changed();
  });
  $("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

// Keys act wherever the focus is, but not while one is typing or on what has a use for them.
function listenToKeys(keys) {
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches?.("input:not([type=range]), select, textarea");
    const presses = event.key === " " && ["BUTTON", "SUMMARY"].includes(event.target.tagName);
    const slides = event.target.type === "range" && /^(Arrow|Home|End)/.test(event.key);
    if (isTyping || presses || slides || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}
