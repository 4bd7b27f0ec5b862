// Steps from 0 to `steps`, with the buttons, the slider and the keys that go through them.
class Player {
  // `show(at, follow)` paints a step; `speed` is the time between two in milliseconds.
  constructor(steps, show, speed = 1000) {
    this.steps = steps;
    this.show = show;
    this.speed = speed;
    this.at = 0;
    this.timer = null;
    $("slider").max = steps;
    $("slider").addEventListener("input", () => this.go(Number($("slider").value)));
    $("first").addEventListener("click", () => this.go(0));
    $("back").addEventListener("click", () => this.go(this.at - 1));
    $("next").addEventListener("click", () => this.go(this.at + 1));
    $("last").addEventListener("click", () => this.go(this.steps));
    $("play").addEventListener("click", () => this.play(!this.timer));
  }

  get keys() {
    return {
      ArrowRight: () => this.go(this.at + 1),
      ArrowLeft: () => this.go(this.at - 1),
      Home: () => this.go(0),
      End: () => this.go(this.steps),
      " ": () => this.play(!this.timer),
    };
  }

  go(step, follow = true) {
    this.at = Math.max(0, Math.min(this.steps, step));
    $("slider").value = this.at;
    for (const id of ["first", "back"]) this.enable(id, this.at > 0);
    for (const id of ["next", "last"]) this.enable(id, this.at < this.steps);
    this.show(this.at, follow);
  }

  // Not by `disabled`, which would take the focus from a button that is held.
  enable(id, isOn) {
    $(id).setAttribute("aria-disabled", !isOn);
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = null;
    if (on) {
      if (this.at === this.steps) this.go(0);
      this.timer = setInterval(() => {
        if (this.at < this.steps) this.go(this.at + 1);
        if (this.at === this.steps) this.play(false);
      }, this.speed);
    }
    this.tellPlay();
  }

  tellPlay() {
    const shape = this.timer ? "M4 3h3v10H4zM9 3h3v10H9z" : "M4 2.5v11L13 8z";
    $("play").querySelector("path").setAttribute("d", shape);
    name("play", this.timer ? "pause" : "play");
  }

  translate() {
    for (const id of ["first", "back", "next", "last", "slider"]) name(id, id);
    this.tellPlay();
  }
}
