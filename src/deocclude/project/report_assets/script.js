"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const listen = (element, event, act) => element && element.addEventListener(event, act);
  document.documentElement.classList.add("js");

  for (const frame of all(".compare")) {
    const wipe = frame.querySelector(".wipe");
    const show = () => frame.style.setProperty("--at", wipe.value + "%");
    listen(wipe, "input", show);
    if (wipe) show();
  }

  const marks = new Map(all(".card .mark").map((mark) => [mark.dataset.id, mark]));
  const tint = document.querySelector(".tint");
  listen(tint, "change", () => document.body.classList.toggle("tinted", tint.checked));
  if (tint) document.body.classList.toggle("tinted", tint.checked);

  const stage = document.querySelector(".stage");
  if (!stage) return;
  const sheets = new Map(all(".sheet", stage).map((sheet) => [sheet.dataset.id, sheet]));
  const boxes = all(".switches input");
  const status = document.querySelector(".shown");

  for (const [id, sheet] of sheets) {
    const mark = marks.get(id);
    if (!mark) continue;
    const copy = mark.cloneNode();
    copy.style.cssText = sheet.querySelector("img").style.cssText;
    sheet.append(copy);
  }

  const update = () => {
    for (const box of boxes) {
      const sheet = sheets.get(box.dataset.id);
      if (sheet) sheet.classList.toggle("off", !box.checked);
    }
    const shown = boxes.filter((box) => box.checked).length;
    status.textContent = `${shown} of ${boxes.length} shown`;
  };
  for (const box of boxes) listen(box, "change", update);
  for (const button of all("button[data-all]")) {
    listen(button, "click", () => {
      for (const box of boxes) box.checked = button.dataset.all === "1";
      update();
    });
  }
  update();

  const ask = (id) => {
    for (const [key, sheet] of sheets) sheet.classList.toggle("asked", key === id);
    stage.classList.toggle("asking", id !== null && sheets.has(id));
  };
  for (const item of all(".switches li")) {
    listen(item, "mouseenter", () => ask(item.dataset.id));
    listen(item, "mouseleave", () => ask(null));
  }

  const explode = document.querySelector(".explode");
  const turn = document.querySelector(".turn");
  const pose = () => {
    stage.style.setProperty("--e", explode.value / 100);
    stage.style.setProperty("--turn", turn.value + "deg");
  };
  listen(explode, "input", pose);
  listen(turn, "input", pose);
  pose();
})();
