// Beside textual.js: what the policy asks of its style sheets, and where the keys go.
"use strict";
(() => {
  const nonce = document.currentScript.nonce;
  const make = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const made = make(name, options);
    if (String(name).toLowerCase() === "style") made.nonce = nonce;
    return made;
  };
  // textual.js sends before its socket is open and after it is closed, too.
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (this.readyState === WebSocket.OPEN) send.call(this, data);
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
