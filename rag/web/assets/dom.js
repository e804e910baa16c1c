// What the page's scripts share: the words they say, new elements, copying, speaking aloud.
// Text from a page or a visitor reaches the document through textContent only.

export const words = JSON.parse(document.getElementById("words").textContent);

export function node(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function button(className, text, pressed) {
  const made = node("button", className, text);
  made.type = "button";
  made.addEventListener("click", pressed);
  return made;
}

export function filled(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A place that a screen reader speaks from. Under a modal sheet everything outside it is
// silent, so the sheet has one of its own.
export function speaker(parent) {
  const made = node("p", "unseen speaker");
  made.setAttribute("role", "status");
  parent.append(made);
  return made;
}

const outside = speaker(document.body);
export function speak(text) {
  const place = document.querySelector("dialog:modal .speaker") || outside;
  place.textContent = text;
}

async function toClipboard(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without https there is no clipboard but this.
  const held = node("textarea");
  held.value = text;
  (document.querySelector("dialog:modal") || document.body).append(held);
  held.select();
  const done = document.execCommand("copy");
  held.remove();
  if (!done) throw new Error("copying is not allowed");
}

// The button says what came of it, for a moment, and then what it does.
export async function copy(text, pressed, said) {
  const outcome = await toClipboard(text).then(
    () => said,
    () => words.copy_failed,
  );
  pressed.focus({ preventScroll: true });
  pressed.dataset.said = outcome;
  setTimeout(() => delete pressed.dataset.said, 4000);
  speak(outcome);
}

// A quote as plain text with who says it: exactly the characters that stand in the answer.
export function quoted(citation) {
  const quote = citation.closest(".quote").querySelector(".words").textContent;
  const who = citation.querySelector("bdi").textContent;
  const source = [who, citation.title].filter(Boolean).join(", ");
  return filled(words.copied_quote, { quote, source });
}
