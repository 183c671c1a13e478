// The schema of one event as a tree: types, presence by phase, marks; a field opens to everything known about it.

const PHASES = ["COOLDOWN", "PRESALE", "ACTIVE", "RUGGED"];

/** Presence by phase as four little columns; the words are in the title and for screen readers. */
function phaseBars(presence) {
  if (!presence || !Object.keys(presence).length) return null;
  const words = PHASES.filter((phase) => presence[phase] !== undefined).map((phase) => `${phase.toLowerCase()} ${percent(presence[phase])}`).join(", ");
  return el("span", { class: "phases", role: "img", "aria-label": `present: ${words}`, title: words },
    PHASES.map((phase) => {
      const share = presence[phase];
      return el("i", share === undefined ? { class: "none" } : { style: `--share:${Math.round(share * 100)}%` });
    }));
}

/** Depth in the tree and the name at the end of a path: `$.a[].b` is `b` under `$.a`. */
const place = (path) => ({ depth: Math.max(path.split(".").length - 2, 0), name: path.replace(/^.*\./, "") });

/** The tree; `open` makes what a field unfolds to. Arrow keys walk it as in any tree. */
function fieldTree(fields, open) {
  const tree = el("div", { class: "tree scroll", role: "tree", "aria-label": "Fields" });
  const items = fields.map((field, index) => {
    const { depth, name } = place(field.path);
    const item = el("div", {
      class: "field", role: "treeitem", "aria-expanded": "false", "aria-level": depth + 1, tabindex: index ? "-1" : "0",
      style: `--depth:${Math.min(depth, 6)}`, "data-path": field.path,
    },
    el("div", { class: "top", onclick: () => toggle(item) },
      el("span", {}, el("span", { class: "key", title: visible(field.path) }, visible(name)),
      el("span", { class: "types" }, field.types)),
      el("span", { class: "side" }, markBadges(field), phaseBars(field.presence))));
    const toggle = (node) => {
      const opened = node.getAttribute("aria-expanded") === "true";
      node.setAttribute("aria-expanded", String(!opened));
      const more = node.querySelector(":scope > .more");
      if (more) more.remove();
      if (!opened) node.append(el("div", { class: "more", onkeydown: (event) => event.stopPropagation() }, open(field)));
      focus(node);
    };
    item.toggle = () => toggle(item);
    return item;
  });
  const focus = (item) => {
    for (const other of items) other.tabIndex = other === item ? 0 : -1;
    item.focus();
  };
  tree.addEventListener("keydown", (event) => {
    const here = items.indexOf(event.target);
    if (here < 0) return;
    const opened = items[here].getAttribute("aria-expanded") === "true";
    const act = {
      ArrowDown: () => focus(items[Math.min(here + 1, items.length - 1)]),
      ArrowUp: () => focus(items[Math.max(here - 1, 0)]),
      ArrowRight: () => !opened && items[here].toggle(),
      ArrowLeft: () => opened && items[here].toggle(),
      Home: () => focus(items[0]),
      End: () => focus(items[items.length - 1]),
      Enter: () => items[here].toggle(),
      " ": () => items[here].toggle(),
    };
    if (!Object.hasOwn(act, event.key)) return;
    event.preventDefault();
    act[event.key]();
  });
  if (items.length) fill(tree, el("div", { class: "phase-heads", "aria-hidden": "true", title: "share of frames in cooldown, presale, active, rugged" },
    PHASES.map((phase) => el("i", {}, phase[0]))));
  return fill(tree, items.length ? items : el("p", { class: "dim", style: "padding:8px" }, "No fields are known."));
}
