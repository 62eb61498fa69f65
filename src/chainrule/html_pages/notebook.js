// Shows the page in the output of a notebook. Messages to Python take the place of a server.

let count = 0; // questions so far, of all outputs

function asker(model, signal) {
  const own = Math.random().toString(36).slice(2); // the model is that of other outputs, too
  const waiting = new Map();
  const hear = (message) => {
    const asker = waiting.get(message.id);
    if (!asker) return;
    waiting.delete(message.id);
    if (message.error === undefined) asker.resolve(message.answer);
    else asker.reject(Object.assign(new Error(message.error), { cells: message.cells }));
  };
  model.on("msg:custom", hear);
  signal.addEventListener("abort", () => model.off("msg:custom", hear));
  return (question, asked, file = null) => new Promise((resolve, reject) => {
    const id = `${own}-${count++}`;
    waiting.set(id, { resolve, reject });
    model.send({ id, question, asked }, undefined, file === null ? [] : [file]);
  });
}

function render({ model, el }) {
  const closed = new AbortController();
  const { content, style, data } = model.get("page");
  const host = document.createElement("div");
  // Keys in the page are no shortcuts of the notebook.
  host.setAttribute("data-lm-suppress-shortcuts", "true");
  host.addEventListener("keydown", (event) => event.stopPropagation());
  const root = host.attachShadow({ mode: "open" });
  const sheet = document.createElement("style");
  sheet.textContent = style;
  const frame = document.createElement("div");
  frame.className = "frame";
  frame.innerHTML = content;
  root.append(sheet, frame);
  el.append(host);
  begin(root, frame, data, asker(model, closed.signal), closed.signal);
  return () => closed.abort();
}

export default { render };
