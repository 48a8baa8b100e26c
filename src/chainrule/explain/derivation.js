// Steps through a derivation: the lines of both passes, and the nodes and edges of its drawing.
// The slider goes from 0, where nothing is computed yet, over the steps to one more: the whole.
for (const sheet of document.querySelectorAll(".chainrule:not([data-ready])")) {
  sheet.dataset.ready = "";
  const bar = sheet.querySelector(".stepper"), stage = sheet.querySelector(".stage");
  const slider = bar.querySelector("input"), told = bar.querySelector("output");
  const play = bar.querySelector("[data-go=play]");
  const steps = [...sheet.querySelectorAll("[data-step]")];
  const number = (step) => Number(step.dataset.step);
  const whole = Number(slider.max), last = whole - 1, isPage = sheet.classList.contains("page");
  // When each value and each gradient is known.
  const known = { forward: new Map(), backward: new Map() };
  for (const step of steps) known[step.dataset.pass].set(step.dataset.symbol, number(step));
  let timer = 0;

  function show(place) {
    const at = Math.min(Math.max(place, 0), whole);
    const now = steps.find((step) => number(step) === at);
    slider.value = at;
    sheet.classList.toggle("stepping", at < whole);
    sheet.dataset.pass = now ? now.dataset.pass : "";
    for (const step of steps) {
      step.classList.toggle("later", number(step) > at);
      step.classList.toggle("now", step === now);
    }
    const { pass, symbol } = now ? now.dataset : {};
    for (const part of sheet.querySelectorAll("svg [data-symbol], svg [data-from]")) {
      const { symbol: node, from, to } = part.dataset;
      const drawn = node ?? (pass === "forward" ? to : from);
      part.classList.toggle("now", now !== undefined && drawn === symbol);
      for (const [kind, way] of [["value", "forward"], ["gradient", "backward"]]) {
        const later = (known[way].get(node ?? from) ?? 0) > at;
        for (const label of part.querySelectorAll(`.${kind}`)) label.classList.toggle("later", later);
      }
      if (node !== undefined && node === symbol) centre(part);
    }
    told.textContent = now ? `${at} of ${last} · ${pass}: ${symbol}` : at ? `all ${last} steps` : "before the first step";
    slider.setAttribute("aria-valuetext", told.textContent);
    if (now) {
      now.style.scrollMarginTop = `${isPage ? stage.offsetHeight + 12 : 0}px`;
      now.style.scrollMarginBottom = "2rem";
      now.scrollIntoView({ block: "nearest" });
    }
    if (isPage && location.hash !== `#step=${at}` && (location.hash || at < whole)) {
      history.replaceState(null, "", at < whole ? `#step=${at}` : "#");
    }
  }

  // Moves a drawing that is larger than its box so that a node can be seen.
  function centre(node) {
    const box = node.closest(".drawing"), at = node.getBoundingClientRect(), room = box.getBoundingClientRect();
    box.scrollLeft += at.left + at.width / 2 - room.left - room.width / 2;
    box.scrollTop += at.top + at.height / 2 - room.top - room.height / 2;
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  }

  function move(by) {
    stop();
    // From the whole, the way on leads to the beginning.
    show(by > 0 && Number(slider.value) === whole ? 1 : Number(slider.value) + by);
  }

  function run() {
    if (timer) return stop();
    if (Number(slider.value) >= last) show(0);
    play.textContent = "Pause";
    timer = setInterval(() => (Number(slider.value) < whole ? show(Number(slider.value) + 1) : stop()), 1400);
  }

  bar.hidden = false;
  bar.addEventListener("click", ({ target }) => {
    const go = target.closest("button")?.dataset.go;
    if (go) go === "play" ? run() : move(Number(go));
  });
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  (isPage ? document : sheet).addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const taken = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (!by || taken || event.target.closest?.("input, .scroll, .flow, .drawing")) return;
    event.preventDefault();
    move(by);
  });
  // A link to a step: page.html#step=5
  const follow = () => show(Number(/^#step=(\d+)$/.exec(location.hash)?.[1] ?? whole));
  if (isPage) addEventListener("hashchange", follow);
  isPage ? follow() : show(whole);
}
