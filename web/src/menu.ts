/** Menus: `<details class="menu">` that close by Escape, or when one goes elsewhere. */

export function closeMenus(): void {
  const menus = [...document.querySelectorAll<HTMLDetailsElement>("details.menu")];
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && menus.find((menu) => menu.open);
    if (open) {
      event.preventDefault();
      open.open = false;
      open.querySelector("summary")?.focus();
    }
  });
  for (const event of ["pointerdown", "focusin"]) {
    document.addEventListener(event, ({ target }) => {
      for (const menu of menus) {
        if (menu.open && target instanceof Node && !menu.contains(target)) {
          menu.open = false;
        }
      }
    });
  }
}
