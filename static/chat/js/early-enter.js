/**
 * Enter before the composer's module is there, which takes all Enters: a line break marks where it was pressed, and the
 * module sends what stands before it. This is a classic script, since modules run only once the page has been read.
 */
addEventListener("keydown", (event) => {
  const { target: input, key, shiftKey, isComposing, keyCode, repeat } = event;
  const isEarly = input.id === "chat-message-input" && !event.defaultPrevented;
  if (!isEarly || key !== "Enter" || shiftKey || isComposing || keyCode === 229) return;
  event.preventDefault();
  if (repeat || !input.value.trim()) return;
  input.setRangeText("\n", input.value.length, input.value.length, "end");
  input.dataset.enters = `${input.dataset.enters ?? ""} ${input.value.length}`.trim();
});
