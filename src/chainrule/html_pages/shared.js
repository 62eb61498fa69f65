const byId = (id) => root.getElementById(id);

// Calls `act` when the frame has another width, and when it is shown at last.
function onWidth(act) {
  let width = frame.clientWidth;
  const observer = new ResizeObserver(() => {
    if (frame.clientWidth === width) return;
    width = frame.clientWidth;
    act();
  });
  observer.observe(frame);
  signal?.addEventListener("abort", () => observer.disconnect());
}

