// Steps through a derivation: the rows of its tables, and the nodes and edges of its drawing.
for (const sheet of document.querySelectorAll(".chainrule:not([data-ready])")) {
  sheet.dataset.ready = "";
  const bar = sheet.querySelector(".stepper");
  const slider = bar.querySelector("input"), told = bar.querySelector("output");
  const play = bar.querySelector("[data-go=play]");
  const rows = [...sheet.querySelectorAll("tr[data-step]")];
  const last = Number(slider.max);
  // When each value and each gradient is known.
  const known = { forward: new Map(), backward: new Map() };
  for (const row of rows) known[row.dataset.pass].set(row.dataset.symbol, Number(row.dataset.step) + 1);
  let timer = 0;

  function show(step) {
    slider.value = step;
    const stepping = step < last;
    const current = rows.find((row) => Number(row.dataset.step) === step - 1);
    for (const row of rows) {
      row.classList.toggle("later", Number(row.dataset.step) >= step);
      row.classList.toggle("now", stepping && Number(row.dataset.step) === step - 1);
    }
    const symbol = stepping && current ? current.dataset.symbol : null;
    for (const node of sheet.querySelectorAll("svg [data-symbol]")) {
      node.classList.toggle("now", node.dataset.symbol === symbol);
    }
    for (const edge of sheet.querySelectorAll("svg [data-from]")) {
      const value = known.forward.get(edge.dataset.from) ?? 0;
      const gradient = known.backward.get(edge.dataset.from) ?? 0;
      for (const label of edge.querySelectorAll(".value")) label.classList.toggle("later", value > step);
      for (const label of edge.querySelectorAll(".gradient")) label.classList.toggle("later", gradient > step);
    }
    const of = current ? `${current.dataset.pass}: ${current.dataset.symbol}` : "start";
    told.textContent = stepping ? `${step} of ${last} · ${of}` : "all steps";
    if (symbol !== null && timer) current.scrollIntoView({ block: "nearest" });
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "play";
  }

  function go(where) {
    if (where !== "play" || timer) stop();
    else {
      if (Number(slider.value) >= last) show(0);
      play.textContent = "pause";
      timer = setInterval(() => (Number(slider.value) < last ? show(Number(slider.value) + 1) : stop()), 900);
    }
    if (where !== "play") show(Math.min(Math.max(Number(slider.value) + Number(where), 0), last));
  }

  bar.hidden = false;
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) go(button.dataset.go);
  });
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  // A link to a step: page.html#step=5
  const asked = /step=(\d+)/.exec(location.hash);
  show(asked ? Math.min(Number(asked[1]), last) : last);
}
