/** Keyboard shortcuts that work anywhere on the page, unless the focused element uses the key itself. */

const TEXT_FIELDS = "input, select, textarea";
const PRESSED_BY_SPACE = "button, summary, a";

/**
 * The element that the pointer pressed last. It has the focus, but a user who then presses Space means the
 * shortcut.
 */
let pointerTarget: Element | undefined;

/** Starts to track which element got its focus from the pointer. Call once. */
export function trackPointer(): void {
  document.addEventListener("pointerdown", ({ target }) => {
    pointerTarget = pressedBySpace(target);
  });
  document.addEventListener("focusin", ({ target }) => {
    if (target !== pointerTarget) {
      pointerTarget = undefined;
    }
  });
}

function pressedBySpace(target: EventTarget | null): Element | undefined {
  return target instanceof Element ? (target.closest(PRESSED_BY_SPACE) ?? undefined) : undefined;
}

/**
 * Calls `run` when the key is pressed, except in a field, in a dialog, and for Space on an element that it
 * would press.
 */
export function onKey(key: string, run: () => void): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === key && isFree(event)) {
      event.preventDefault();
      // Some browsers press a button on keyup.
      document.addEventListener("keyup", (up) => up.preventDefault(), { once: true });
      run();
    }
  });
}

function isFree(event: KeyboardEvent): boolean {
  const { target, key, defaultPrevented, ctrlKey, metaKey, altKey, repeat } = event;
  if (defaultPrevented || ctrlKey || metaKey || altKey || repeat || document.querySelector("dialog[open]")) {
    return false;
  }
  // A dialog's button keeps the focus for a moment after the dialog has closed.
  if (!(target instanceof Element && target.checkVisibility())) {
    return true;
  }
  const pressed = key === " " ? pressedBySpace(target) : undefined;
  return !target.closest(TEXT_FIELDS) && (pressed === undefined || pressed === pointerTarget);
}
