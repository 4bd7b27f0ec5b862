// What every page has: its data, its language and theme, and the keyboard.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

// The theme is the system's until one is chosen.
const html = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => html.dataset.theme === "dark";
const setTheme = (dark) => { html.dataset.theme = dark ? "dark" : "light"; };
setTheme(system.matches);

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
  html.lang = language === "pt" ? "pt-BR" : "en";
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
    setTheme(!isDark());
    changed();
  });
  system.addEventListener("change", () => {
    setTheme(system.matches);
    changed();
  });
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
