// Building the page. Every text goes in as textContent: nothing that was captured can become markup.

/** `el("p", {class: "dim", onclick: f}, "text", child, …)`; null children are left out. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  return fill(node, ...children);
}

/** Appends; texts as texts. */
function fill(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** Replaces what is inside. */
const put = (node, ...children) => { node.replaceChildren(); return fill(node, ...children); };

const byId = (id) => document.getElementById(id);

/** A text that strangers wrote. */
const untrusted = (text, tag = "bdi") => el(tag, { class: "untrusted" }, visible(text));

/** Invisible and direction-changing characters as their code, so that a name is what it looks like. */
const visible = (text) => String(text).replace(
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\udb40][\udc00-\udfff]/g,
  (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
);

const badge = (text, kind = "", title = "") => el("span", { class: `badge ${kind}`, title: title || null }, text);

const notice = (text, kind = "") => el("p", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);

/** Pairs as a description list; empty values are left out. */
const facts = (pairs) => el("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "")
  .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

/** 12345 → 12,345 */
const count = (number) => (Number.isFinite(number) ? number.toLocaleString("en-US") : "–");

/** 0.0012345 → 0.001235, 12.3456789 → 12.3457; exact values are in the data. */
function short(number) {
  if (!Number.isFinite(number)) return "–";
  if (number === 0 || Math.abs(number) >= 1000) return number.toLocaleString("en-US", { maximumFractionDigits: 2 });
  return Number(number.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 8 });
}

const percent = (share) => (Number.isFinite(share) ? `${(share * 100).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %` : "–");

/** 2026-01-02T03:04:05.678901Z → 2026-01-02 03:04:05.678 (UTC) */
const moment = (text) => (text ? String(text).replace("T", " ").replace(/(\.\d{3})\d*/, "$1").replace(/(Z|\+00(:00)?)$/, "") : "–");

/** A colour of its own for each name, readable on light and dark. */
function hue(name) {
  let sum = 2166136261;
  for (const byte of new TextEncoder().encode(name)) sum = Math.imul(sum ^ byte, 16777619) >>> 0;
  return `light-dark(hsl(${sum % 360} 70% 33%), hsl(${sum % 360} 65% 72%))`;
}

/** Calls `act` once when nothing was asked for `pause` milliseconds. */
function debounced(pause, act) {
  let timer = 0;
  return (...args) => { clearTimeout(timer); timer = setTimeout(() => act(...args), pause); };
}

/** JSON text laid out over lines; its values stay as they were written. Other texts come back unchanged. */
function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return String(text);
  }
  let out = "";
  let depth = 0;
  const newline = () => `\n${"  ".repeat(depth)}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (token === "}" || token === "]") {
      depth -= 1;
      out = /[[{]$/.test(out.trimEnd()) ? out.trimEnd() + token : out + newline() + token;
    } else if (token === "{" || token === "[") {
      depth += 1;
      out += token + newline();
    } else if (token === ",") out += token + newline();
    else if (token === ":") out += ": ";
    else out += token;
  }
  return out.replace(/[ \t]+$/gm, "");
}

/** Runs an action of a button: it cannot be pressed twice, and what goes wrong is said in `where`. */
async function working(button, where, act) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await act();
  } catch (error) {
    put(where, notice(error.message, "bad"));
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}
