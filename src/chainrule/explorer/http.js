// Questions go to the server that sent this page. A file is a body, with the arguments beside it.
async function ask(question, asked, file = null) {
  const token = new URLSearchParams(location.search).get("token");
  const address = file === null ? `/${question}` : `/${question}?${new URLSearchParams(asked)}`;
  const body = file ?? JSON.stringify(asked);
  const answer = await fetch(address, {method: "POST", headers: {"X-Token": token}, body});
  const found = await answer.json().catch(() => ({error: `the server answered ${answer.status}`}));
  if (answer.ok) return found;
  throw Object.assign(new Error(found.error || `the server answered ${answer.status}`), {cells: found.cells});
}

