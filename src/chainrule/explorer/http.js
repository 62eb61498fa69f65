// Questions go to the server that sent this page.
async function ask(question, asked, file = null) {
  const token = new URLSearchParams(location.search).get("token");
  const body = file ?? JSON.stringify(asked);
  const answer = await fetch(`/${question}`, {method: "POST", headers: {"X-Token": token}, body});
  const found = await answer.json().catch(() => ({error: `the server answered ${answer.status}`}));
  if (!answer.ok) throw new Error(found.error || `the server answered ${answer.status}`);
  return found;
}

