// What the optimizer lab says.
Object.assign(WORDS.en, {
  labTitle: "Optimizers on a surface",
  labKeys: "← → step · ↑ ↓ optimizer · space play",
  labStep: "Step {n} of {all}",
  labSaid: "Step {n}. {name} is at ({x}, {y}); the loss is {loss}.",
  labPlot: "Contour lines of {surface} with the paths of {names}. {said}",
  onSurface: "{surface}",
  loss: "loss", lossChart: "Loss of each optimizer over the steps",
  gradient: "−gradient", momentum: "−momentum", squares: "mean of squares",
  corrected_momentum: "−momentum, bias-corrected", corrected_squares: "squares, bias-corrected",
  scaled: "−momentum / √squares", step: "the step",
  partsOf: "{name}: the next update",
  partsNote: "Arrows start at the optimizer. The step is true to scale where it is long enough to be "
    + "seen; the lengths of the others are compressed.",
  atEnd: "This was the last step.",
  divergedAt: "diverged after step {n}",
  outsideNow: "outside the picture",
  shows: "Show {name}",
});
Object.assign(WORDS.pt, {
  labTitle: "Otimizadores em uma superfície",
  labKeys: "← → passo · ↑ ↓ otimizador · espaço reproduzir",
  labStep: "Passo {n} de {all}",
  labSaid: "Passo {n}. {name} está em ({x}, {y}); a perda é {loss}.",
  labPlot: "Curvas de nível de {surface} com os caminhos de {names}. {said}",
  onSurface: "{surface}",
  loss: "perda", lossChart: "Perda de cada otimizador ao longo dos passos",
  gradient: "−gradiente", momentum: "−momento", squares: "média dos quadrados",
  corrected_momentum: "−momento, viés corrigido", corrected_squares: "quadrados, viés corrigido",
  scaled: "−momento / √quadrados", step: "o passo",
  partsOf: "{name}: a próxima atualização",
  partsNote: "As setas partem do otimizador. O passo está em escala quando é longo o bastante para "
    + "ser visto; as outras têm o comprimento comprimido.",
  atEnd: "Este foi o último passo.",
  divergedAt: "divergiu após o passo {n}",
  outsideNow: "fora da figura",
  shows: "Mostrar {name}",
});
