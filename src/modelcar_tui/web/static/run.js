// Beside textual.js: what the policy asks of its style sheets, what the server is told, where the keys go.
"use strict";
(() => {
  const nonce = document.currentScript.nonce;
  const make = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const made = make(name, options);
    if (String(name).toLowerCase() === "style") made.nonce = nonce;
    return made;
  };
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      // The server sends on when it knows what has arrived (web/wire.py).
      this.addEventListener("message", (event) => {
        if (event.data instanceof ArrayBuffer) this.send(JSON.stringify(["took", event.data.byteLength]));
      });
      this.addEventListener("close", (event) => {
        document.getElementById("why").textContent = event.reason || "the line was cut";
        document.body.classList.toggle("-cut", ![1000, 1008].includes(event.code));
      });
    }
    send(data) {
      // textual.js sends before its socket is open and after it is closed, too.
      if (this.readyState === Plain.OPEN) super.send(data);
    }
  };
  const keys = () => document.querySelector(".xterm-helper-textarea");
  const start = () => {
    keys()?.focus();
    new MutationObserver(() => {
      if (document.body.classList.contains("-closed")) document.getElementById("again").focus();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  };
  // textual.js makes the terminal in window.onload, which it sets before the document is complete: so this
  // listener comes after it.
  addEventListener("DOMContentLoaded", () => addEventListener("load", start));
  addEventListener("keydown", (event) => {
    if (event.key !== "F6") return;
    event.preventDefault();
    event.stopPropagation();
    (document.activeElement === keys() ? document.getElementById("all") : keys())?.focus();
  }, true);
})();
