/** Closes menus (`<details class="menu">`) on Escape and when the focus or a click goes elsewhere. */

export function initMenus(): void {
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" ? openMenus()[0] : undefined;
    if (open) {
      event.preventDefault();
      open.open = false;
      open.querySelector("summary")?.focus();
    }
  });
  for (const event of ["pointerdown", "focusin"]) {
    document.addEventListener(event, ({ target }) => {
      for (const menu of openMenus()) {
        if (target instanceof Node && !menu.contains(target)) {
          menu.open = false;
        }
      }
    });
  }
}

function openMenus(): readonly HTMLDetailsElement[] {
  return [...document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")];
}
