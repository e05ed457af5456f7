/** Keys that work anywhere on the page, except where they mean something already. */

const TYPING = "input, select, textarea";
const PRESSED_BY_SPACE = "button, summary, a";

/** What a pointer pressed last: it has the focus, and is not what one who presses space is looking at. */
let pointed: Element | undefined;

/** To be called once: from then on it is known what was reached by pointer. */
export function followPointer(): void {
  document.addEventListener("pointerdown", ({ target }) => {
    pointed = pressedBySpace(target);
  });
  document.addEventListener("focusin", ({ target }) => {
    if (target !== pointed) {
      pointed = undefined;
    }
  });
}

function pressedBySpace(target: EventTarget | null): Element | undefined {
  return target instanceof Element ? (target.closest(PRESSED_BY_SPACE) ?? undefined) : undefined;
}

/** Calls `run` when the key is pressed: not in a field, not in a dialog, and space not where it presses something. */
export function onKey(key: string, run: () => void): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === key && isFree(event)) {
      event.preventDefault();
      // Some browsers press a button only when the key goes up.
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
  return !target.closest(TYPING) && (pressed === undefined || pressed === pointed);
}
