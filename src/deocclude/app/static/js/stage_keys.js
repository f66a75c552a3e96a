// @ts-check
/** A pointer that arrow keys steer over the picture, so that every tool works without a mouse. */

import { h } from "./dom.js";

/** @typedef {import("./stage.js").Stage} Stage */

const STEP = 8;
const SMALL = 1;

/**
 * Arrow keys move the pointer (with Shift by one screen pixel), Enter presses and releases; with Alt, as the mouse does.
 * @param {Stage} stage
 */
export function steerByKeys(stage) {
  const cross = h("div", { class: "cross", hidden: true });
  stage.overlay.append(cross);
  stage.canvas.classList.add("steered");
  /** @type {import("./stage.js").Point | null} */
  let at = null;
  let pressed = false;

  const place = () => {
    if (!at) return;
    const { x, y } = stage.toScreen(at);
    cross.style.left = `${x}px`;
    cross.style.top = `${y}px`;
    cross.classList.toggle("pressed", pressed);
  };
  stage.watchers.push(place);

  /**
   * @param {string} kind
   * @param {boolean} [altKey]
   */
  const event = (kind, altKey = false) => new PointerEvent(kind, { button: 0, altKey });

  /**
   * @param {number} dx
   * @param {number} dy
   */
  const move = (dx, dy) => {
    at ??= { x: Math.round(stage.width / 2), y: Math.round(stage.height / 2) };
    at = {
      x: Math.min(stage.width - 1, Math.max(0, at.x + dx / stage.scale)),
      y: Math.min(stage.height - 1, Math.max(0, at.y + dy / stage.scale)),
    };
    stage.pointer = at;
    cross.hidden = false;
    if (pressed) stage.tool?.move?.(at, event("pointermove"));
    else stage.tool?.hover?.(at, event("pointermove"));
    place();
    stage.invalidate();
  };

  /** @param {boolean} altKey */
  const press = (altKey) => {
    at ??= { x: Math.round(stage.width / 2), y: Math.round(stage.height / 2) };
    cross.hidden = false;
    pressed = !pressed;
    if (pressed) stage.tool?.down?.(at, event("pointerdown", altKey));
    else stage.tool?.up?.(at, event("pointerup", altKey));
    place();
  };

  const leave = () => {
    if (pressed) stage.tool?.cancel?.();
    pressed = false;
    at = null;
    cross.hidden = true;
  };

  stage.canvas.addEventListener("keydown", (key) => {
    if (key.ctrlKey || key.metaKey || (key.altKey && key.key !== "Enter")) return;
    const by = key.shiftKey ? SMALL : STEP;
    if (key.key === "ArrowLeft") move(-by, 0);
    else if (key.key === "ArrowRight") move(by, 0);
    else if (key.key === "ArrowUp") move(0, -by);
    else if (key.key === "ArrowDown") move(0, by);
    else if (key.key === "Enter" && at) press(key.altKey);
    else if (key.key === "Escape" && pressed) leave();
    else return;
    key.preventDefault();
    key.stopPropagation();
  });
  stage.canvas.addEventListener("blur", leave);
  stage.canvas.addEventListener("pointerdown", () => {
    at = null;
    cross.hidden = true;
  });
}
