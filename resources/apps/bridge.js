"use strict";
// The way to the host: MCP Apps (2026-01-26), JSON-RPC 2.0 over postMessage. Both apps use it; nothing else here
// talks to the outside. The frame has no network and needs none.
//
//   host.start({name, onInput, onResult, onContext, onTeardown})   shakes hands
//   host.call(tool, arguments, ms)    a tool of our server; gives its data, throws ToolFailure
//   host.context / host.capabilities  what the host said about itself
//   host.tellModel(text, data)        what the agent should know; each call replaces the last one
//   host.say(text)                    a message in the chat, as the person's own

/** A tool answered that it could not; `message` is its own text. */
class ToolFailure extends Error {}

const host = (() => {
  // The longest call of a tool that asks nobody.
  const PATIENCE_MS = 310000;
  let lastId = 0;
  let app = {};
  let ended = false;
  const waiting = new Map();
  const state = { context: {}, capabilities: {}, info: {} };

  // The host's origin is not known to a sandboxed frame, so the target cannot be named; nothing secret is sent.
  const post = (message) => window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  const notify = (method, params = {}) => { if (!ended) post({ method, params }); };

  function request(method, params = {}, patience = PATIENCE_MS) {
    if (ended) return Promise.reject(new Error("the view was closed"));
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new Error(`the host did not answer ${method} within ${patience / 1000} s`));
      }, patience);
      waiting.set(id, { resolve, reject, timer });
      post({ id, method, params });
    });
  }

  const answers = {
    ping: () => ({}),
    "ui/resource-teardown": (params) => {
      if (app.onTeardown) app.onTeardown(params);
      // What is still open will not be answered any more; the answer to this request is the last word.
      setTimeout(() => { ended = true; }, 0);
      return {};
    },
  };
  const heard = {
    "ui/notifications/tool-input": (params) => app.onInput && app.onInput(params.arguments || {}),
    "ui/notifications/tool-result": (params) => app.onResult && app.onResult(params),
    "ui/notifications/tool-cancelled": (params) => app.onCancelled && app.onCancelled(params.reason),
    "ui/notifications/host-context-changed": (params) => takeContext(params),
  };

  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== window.parent || !message || message.jsonrpc !== "2.0") return;
    if (message.method === undefined) {
      const asked = waiting.get(message.id);
      if (!asked) return;
      waiting.delete(message.id);
      clearTimeout(asked.timer);
      if (message.error) asked.reject(new Error(String(message.error.message || "the host refused")));
      else asked.resolve(message.result || {});
    } else if (message.id === undefined) {
      const act = Object.hasOwn(heard, message.method) && heard[message.method];
      if (act) act(message.params || {});
    } else if (Object.hasOwn(answers, message.method)) {
      post({ id: message.id, result: answers[message.method](message.params || {}) });
    } else {
      post({ id: message.id, error: { code: -32601, message: `this view does not know ${message.method}` } });
    }
  });

  // Theme, the host's variables, the room there is. Fonts the host offers are on other servers and are not loaded.
  function takeContext(part) {
    Object.assign(state.context, part);
    const root = document.documentElement;
    if (part.theme === "light" || part.theme === "dark") root.dataset.theme = part.theme;
    for (const [name, value] of Object.entries((part.styles && part.styles.variables) || {})) {
      if (/^--[a-z0-9-]+$/.test(name) && typeof value === "string") root.style.setProperty(name, value);
    }
    const room = part.containerDimensions;
    if (room) {
      root.classList.toggle("fixed", Number.isFinite(room.height));
      root.style.maxHeight = room.maxHeight ? `${room.maxHeight}px` : "";
      root.style.overflowY = room.maxHeight ? "auto" : "";
      root.style.maxWidth = room.maxWidth ? `${room.maxWidth}px` : "";
    }
    const inset = part.safeAreaInsets;
    if (inset) document.body.style.padding =
      ["top", "right", "bottom", "left"].map((side) => `${Math.max(12, inset[side] || 0)}px`).join(" ");
    if (app.onContext) app.onContext(state.context);
    tellSize();
  }

  // The size of the content, told when it has changed, at most once a frame.
  let told = "";
  let due = false;
  function tellSize() {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      const width = Math.ceil(window.innerWidth);
      const limit = (state.context.containerDimensions || {}).maxHeight || Infinity;
      const height = Math.min(Math.ceil(document.body.getBoundingClientRect().height), limit);
      if (told !== `${width}x${height}`) {
        told = `${width}x${height}`;
        notify("ui/notifications/size-changed", { width, height });
      }
    });
  }

  async function start(given) {
    app = given;
    const answer = await request("ui/initialize", {
      protocolVersion: "2026-01-26",
      appInfo: { name: app.name, version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    }, 30000);
    state.info = answer.hostInfo || {};
    state.capabilities = answer.hostCapabilities || {};
    takeContext(answer.hostContext || {});
    notify("ui/notifications/initialized");
    new ResizeObserver(tellSize).observe(document.body);
    tellSize();
  }

  /** A result's object; hosts differ in which form they hand on. */
  function dataOf(result) {
    if (result.structuredContent) return result.structuredContent;
    const text = textOf(result);
    try {
      return JSON.parse(text);
    } catch {
      throw new ToolFailure(text || "the tool answered nothing");
    }
  }
  const textOf = (result) =>
    (Array.isArray(result.content) ? result.content : []).filter((block) => block.type === "text").map((block) => block.text).join("\n");

  async function call(name, args = {}, patience = PATIENCE_MS) {
    const result = await request("tools/call", { name, arguments: args }, patience);
    if (result.resultType === "input_required")
      throw new ToolFailure("The server asked for an answer from you, and this host did not put the question.");
    if (result.isError) throw new ToolFailure(textOf(result) || "the tool failed");
    return dataOf(result);
  }

  /** A message in the chat, as the person's own. */
  async function say(text) {
    const block = { type: "text", text };
    const first = { role: "user", content: [block] };
    // The published text of the specification has one block where its types have a list.
    const answer = await request("ui/message", first).catch(() => request("ui/message", { role: "user", content: block }));
    if (answer.isError) throw new Error("the host did not take the message");
  }

  const tellModel = (text, data) =>
    request("ui/update-model-context", { content: [{ type: "text", text }], structuredContent: data });

  return {
    start, call, say, tellModel, dataOf, textOf,
    get context() { return state.context; },
    get capabilities() { return state.capabilities; },
    get ended() { return ended; },
  };
})();
