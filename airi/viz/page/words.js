// Everything the page says, in its two languages. {name} is replaced.
const WORDS = {
  en: {
    title: "Backward, step by step",
    snapshot: "{n} of {all}: {label}", snapshots: "Snapshot",
    predict: "Predict", export: "Save answers", answer: "Answer",
    ask: "{name} is hidden. What is it? One answer is enough.",
    predictShape: "Shape, such as 5×3", predictSign: "Sign of the first element",
    predictValue: "Value of the first element",
    graphTitle: "The graph of the program",
    search: "Find an op, parameter or shape",
    found: "{n} found",
    language: "Português",
    languageTitle: "Mudar para português",
    dark: "Dark", light: "Light",
    whole: "Fit", closer: "Zoom in", farther: "Zoom out",
    first: "First step", back: "Step back", next: "Step forward", last: "Last step",
    play: "Play", pause: "Pause", slider: "Step",
    keys: "← → step · space play · / search · + − 0 zoom",
    count: "Step {n} of {all}",
    graph: "The graph of the program. {said}",
    said: "Step {n} of {all}: {op}. {sent}",
    sentOne: "It passes a gradient to {names}.",
    sentNone: "It passes no gradient on.",
    done: "Done: every gradient has arrived.",
    leaf: "{name}: the gradient is complete",
    rule: "Rule", g: "g is the gradient that arrives",
    source: "Your line",
    arrives: "Gradient that arrives", sends: "Gradients it sends on", values: "Values of forward",
    input: "in", output: "out",
    accumulates: "Used {n} times: the gradients add up.",
    undone: "Broadcast undone: summed over dimension {dims}.",
    to: "to {name}",
    min: "min", max: "max", mean: "mean", norm: "norm", zeros: "zeros",
    cell: "[{at}] = {value}",
    part: "{n} of {all} values shown",
    attributes: "Attributes", time: "Time", saved: "Saved for backward",
    timeText: "{f} ms forward, {b} ms backward", timeBack: "{b} ms backward",
    vanishing: "Vanishing: root mean square {rms}",
    exploding: "Exploding: root mean square {rms}",
    zero: "Stops the gradient: only zeros go on",
    nan: "Sends {nan} NaN and {inf} Inf",
    dead: "{count} of {units} units are 0 for the whole batch",
    right: "Rule checked: right",
    wrong: "Rule wrong for {input}: analytic {analytic}, numeric {numeric}",
    kink: "Not differentiable at this point", unchecked: "Rule not checked",
    birthForward: "{kind} was made first by {op} in the forward pass",
    birthBackward: "{kind} was made first by {op} in the backward pass",
    birthData: "{kind} came in from outside; first used by {op}",
    show: "Show",
    colours: "Blue is negative, red positive, purple NaN, yellow infinite",
    picture: "{name}, {shape}: min {min}, max {max}, norm {norm}",
  },
  pt: {
    title: "O backward, passo a passo",
    snapshot: "{n} de {all}: {label}", snapshots: "Registro",
    predict: "Prever", export: "Salvar respostas", answer: "Responder",
    ask: "{name} está oculto. Qual é? Uma resposta basta.",
    predictShape: "Forma, como 5×3", predictSign: "Sinal do primeiro elemento",
    predictValue: "Valor do primeiro elemento",
    graphTitle: "O grafo do programa",
    search: "Procurar operação, parâmetro ou forma",
    found: "{n} encontrados",
    language: "English",
    languageTitle: "Switch to English",
    dark: "Escuro", light: "Claro",
    whole: "Ajustar", closer: "Aproximar", farther: "Afastar",
    first: "Primeiro passo", back: "Passo anterior", next: "Próximo passo", last: "Último passo",
    play: "Reproduzir", pause: "Pausar", slider: "Passo",
    keys: "← → passo · espaço reproduzir · / procurar · + − 0 zoom",
    count: "Passo {n} de {all}",
    graph: "O grafo do programa. {said}",
    said: "Passo {n} de {all}: {op}. {sent}",
    sentOne: "Passa um gradiente para {names}.",
    sentNone: "Não passa gradiente adiante.",
    done: "Pronto: todos os gradientes chegaram.",
    leaf: "{name}: o gradiente está completo",
    rule: "Regra", g: "g é o gradiente que chega",
    source: "Sua linha",
    arrives: "Gradiente que chega", sends: "Gradientes que ela envia",
    values: "Valores do forward",
    input: "entra", output: "sai",
    accumulates: "Usado {n} vezes: os gradientes se somam.",
    undone: "Broadcast desfeito: soma sobre a dimensão {dims}.",
    to: "para {name}",
    min: "mín", max: "máx", mean: "média", norm: "norma", zeros: "zeros",
    cell: "[{at}] = {value}",
    part: "{n} de {all} valores mostrados",
    attributes: "Atributos", time: "Tempo", saved: "Guardado para o backward",
    timeText: "{f} ms forward, {b} ms backward", timeBack: "{b} ms backward",
    vanishing: "Gradiente desaparecendo: média quadrática {rms}",
    exploding: "Gradiente explodindo: média quadrática {rms}",
    zero: "Interrompe o gradiente: só zeros seguem",
    nan: "Envia {nan} NaN e {inf} Inf",
    dead: "{count} de {units} unidades são 0 no lote inteiro",
    right: "Regra verificada: certa",
    wrong: "Regra errada para {input}: analítico {analytic}, numérico {numeric}",
    kink: "Não diferenciável neste ponto", unchecked: "Regra não verificada",
    birthForward: "{kind} surgiu primeiro em {op}, no forward",
    birthBackward: "{kind} surgiu primeiro em {op}, no backward",
    birthData: "{kind} veio de fora; usado primeiro por {op}",
    show: "Mostrar",
    colours: "Azul é negativo, vermelho positivo, roxo NaN, amarelo infinito",
    picture: "{name}, {shape}: mín {min}, máx {max}, norma {norm}",
  },
};

let language = /^pt\b/i.test(navigator.language) ? "pt" : "en";

function say(word, values = {}) {
  return WORDS[language][word].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
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
