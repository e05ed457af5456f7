/** Keys that work anywhere on the page, except where they mean something already. */

const TYPING = "input, select, textarea";
const PRESSED_BY_SPACE = "button, summary, a";

/** Calls `run` when the key is pressed: not in a field, not in a dialog, and space not where it presses something. */
export function onKey(key: string, run: () => void): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === key && isFree(event)) {
      event.preventDefault();
      run();
    }
  });
}

function isFree(event: KeyboardEvent): boolean {
  const { target, key, defaultPrevented, ctrlKey, metaKey, altKey, repeat } = event;
  if (defaultPrevented || ctrlKey || metaKey || altKey || repeat || document.querySelector("dialog[open]")) {
    return false;
  }
  const taken = key === " " ? `${TYPING}, ${PRESSED_BY_SPACE}` : TYPING;
  // A dialog's button keeps the focus for a moment after the dialog has closed.
  return !(target instanceof Element && target.checkVisibility() && target.closest(taken));
}
