// What is shown, taken along: files to download, lines and addresses to paste.

import { button, element } from "./controls.js";

const FILES = [["png", "PNG picture"], ["svg", "SVG picture"], ["npy", "NumPy file"], ["csv", "CSV text"]];
const TEXTS = [["code", "Copy code"], ["url", "Copy silx address"]];

/** A disclosure with all that can be taken; {box}. */
export function takeMenu(model, questions) {
  const said = element("span", { class: "panosc-note", role: "status" });
  const paste = element("textarea", { class: "panosc-paste", readonly: "", rows: 5, hidden: "", "aria-label": "Text to copy" });
  const take = (format) => {
    said.textContent = "…";
    paste.hidden = true;
    questions.ask({ kind: "export", format }, (answer) => {
      if (answer.kind === "error") said.textContent = `${answer.message} ${answer.hint}`;
      else if (FILES.some(([name]) => name === format)) said.textContent = download(model, answer);
      else copy(answer, said, paste);
    });
  };
  const buttons = [...FILES, ...TEXTS].map(([format, text]) => button(text, () => take(format)));
  const row = element("div", { class: "panosc-controls" }, ...buttons, said);
  const box = element("details", { class: "panosc-more" }, element("summary", {}, "Take"), row, paste);
  return { box };
}

function download(model, answer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([answer.file], { type: answer.media }));
  const name = (model.get("title") || "picture").replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 60);
  link.download = `${name}-${model.get("frame")}.${answer.format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  return `${link.download} is in your downloads`;
}

async function copy(answer, said, paste) {
  const text = new TextDecoder().decode(answer.file);
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied";
  } catch {
    // No clipboard on a page without TLS: the text stands there, selected.
    paste.value = text;
    paste.hidden = false;
    paste.focus();
    paste.select();
    said.textContent = "Copy it from here";
  }
}
