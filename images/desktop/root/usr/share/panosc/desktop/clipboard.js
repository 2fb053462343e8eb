/* Keeps the browser's clipboard and the desktop's in step, where the browser allows it; elsewhere the page's own text box
   goes on being the way. The image's build puts this beside jupyter-remote-desktop-proxy's viewer, whose text box holds the
   desktop's clipboard: what is assigned to it came from the desktop, and its "change" event sends it there. */
const box = document.getElementById("clipboard-text");
const { get, set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");

Object.defineProperty(box, "value", {
  get,
  set(text) {
    set.call(this, text);
    navigator.clipboard?.writeText(text).catch(() => {});
  },
});

async function allowed() {
  try {
    return (await navigator.permissions.query({ name: "clipboard-read" })).state;
  } catch {
    return "unknown";
  }
}

async function send() {
  const text = await navigator.clipboard.readText().catch(() => "");
  if (text && text !== get.call(box)) {
    set.call(box, text);
    box.dispatchEvent(new Event("change"));
  }
}

if (navigator.clipboard) {
  window.addEventListener("focus", async () => {
    if ((await allowed()) === "granted") await send();
  });
  // The browser asks the person once, and not before she pastes for the first time.
  window.addEventListener(
    "keydown",
    async (event) => {
      if (event.ctrlKey && event.key.toLowerCase() === "v" && (await allowed()) === "prompt") await send();
    },
    { capture: true },
  );
}
