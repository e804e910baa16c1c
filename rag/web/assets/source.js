// The source panel: beside the conversation, or on a narrow screen a sheet over it.

import { button, copy, filled, node, quoted, speak, speaker, words } from "./dom.js";

const narrow = window.matchMedia("(max-width: 999px)");

// ---------------------------------------------------------------- the panel's frame

const panel = node("dialog");
panel.id = "source";
panel.setAttribute("aria-labelledby", "source-title");
const title = node("h2");
title.id = "source-title";
const publisher = node("p", "publisher");
const back = button("back", words.back, leave);
const place = node("span", "place");
const steps = node("div", "steps");
const previous = button("step previous", words.previous, () => step(-1));
const next = button("step next", words.next, () => step(1));
const copying = button("copy", words.copy_quote, () =>
  copy(quoted(cameFrom), copying, words.copied),
);
steps.append(previous, place, next);
const top = node("div", "top");
top.append(back, copying);
const page = node("div", "page");
page.tabIndex = 0; // scrollable by keyboard
page.setAttribute("role", "region");
page.setAttribute("aria-labelledby", "source-title");
const head = node("header");
head.append(top, title, publisher, steps);
const emergency = node("p", "emergency");
panel.append(head, page, emergency);
speaker(panel);
document.body.append(panel);

let cameFrom = null; // the citation whose quote is shown
let scrolledTo = 0; // where the conversation stood when the panel opened
let latest = 0; // number of the newest request; answers to older ones are dropped

// ---------------------------------------------------------------- one page into nodes

function fill(parent, segments) {
  for (const { text, mark } of segments) {
    parent.append(mark ? node("mark", "", text) : document.createTextNode(text));
  }
  return parent;
}

const tags = { title: "h3", list_item: "li", step: "li", reference: "li" };
const lists = { list_item: "ul", step: "ol", reference: "ul" };

function element(block) {
  const heading = `h${Math.min(Math.max(block.level, 2) + 2, 6)}`;
  const tag = block.kind === "heading" ? heading : tags[block.kind] || "p";
  const made = fill(node(tag, block.kind), block.segments);
  made.dir = "auto";
  return made;
}

function draw(view) {
  const region = view.publisher.includes(view.region) ? "" : view.region;
  title.textContent = view.title;
  publisher.textContent = [view.publisher, region, view.kind].filter(Boolean).join(" · ");
  page.replaceChildren(node("p", "note", words.as_read));
  let list = null;
  let commenting = false;
  for (const block of view.blocks) {
    if (block.kind === "comment" && !commenting) {
      page.append(node("h4", "comments", words.comments), node("p", "note", words.comments_note));
    }
    commenting = block.kind === "comment";
    if (!lists[block.kind]) {
      list = null;
      page.append(element(block));
      continue;
    }
    if (!list || list.className !== block.kind) {
      list = node(lists[block.kind], block.kind);
      list.setAttribute("role", "list"); // unmarked lists lose their role in some browsers
      page.append(list);
    }
    list.append(element(block));
  }
}

function showMark(focused) {
  const mark = page.querySelector("mark");
  if (!mark) return;
  mark.tabIndex = -1;
  if (focused) mark.focus({ preventScroll: true });
  const tall = mark.getBoundingClientRect().height > page.clientHeight * 0.8;
  const several = page.querySelectorAll("mark").length > 1;
  mark.scrollIntoView({ block: tall || several ? "start" : "center" });
}

function say(message) {
  const line = node("p", "note", message);
  line.setAttribute("role", "status");
  page.replaceChildren(line);
}

// ---------------------------------------------------------------- the quotes of one answer

function citations() {
  if (!cameFrom || !cameFrom.isConnected) return [];
  return [...cameFrom.closest(".answer").querySelectorAll("a.cite")];
}

function showSteps() {
  const all = citations();
  copying.hidden = !all.length;
  steps.hidden = all.length < 2;
  const values = { number: all.indexOf(cameFrom) + 1, count: all.length };
  place.textContent = filled(words.quote_of, values);
  delete copying.dataset.said;
}

function step(by) {
  const all = citations();
  if (all.length < 2) return;
  cameFrom = all[(all.indexOf(cameFrom) + by + all.length) % all.length];
  const href = cameFrom.getAttribute("href");
  window.history.replaceState(window.history.state, "", href);
  const onButton = [previous, next].includes(document.activeElement);
  open(href, { focused: !onButton }).then(() => {
    if (panel.open) speak(place.textContent);
  });
}

// ---------------------------------------------------------------- open and close

function show() {
  if (panel.open) return;
  // The same line, with its numbers to call, as under the conversation that is now covered.
  const line = document.querySelector("#emergency .emergency");
  if (line) emergency.replaceChildren(...line.cloneNode(true).childNodes);
  if (narrow.matches) panel.showModal();
  else panel.show();
  document.documentElement.classList.add("with-source");
}

async function open(href, { focused = true } = {}) {
  const asked = new URLSearchParams(href.slice(1));
  const name = (asked.get("source") || "").split("/").map(encodeURIComponent).join("/");
  asked.delete("source");
  const mine = ++latest;
  title.textContent = "";
  publisher.textContent = "";
  say(words.loading);
  show();
  showSteps();
  if (focused) back.focus({ preventScroll: true });
  let view = null;
  let trouble = words.unreachable;
  try {
    const response = await fetch(`api/source/${name}?${asked}`);
    const body = await response.json();
    if (response.ok) view = body;
    else trouble = body.detail || trouble;
  } catch {
    // Said in the panel below.
  }
  if (mine !== latest || !panel.open) return;
  if (!view) {
    say(trouble);
    return;
  }
  draw(view);
  showMark(focused);
  // On a wide screen the conversation has become narrower: keep the quote in sight.
  if (!narrow.matches && cameFrom) cameFrom.scrollIntoView({ block: "nearest" });
}

function close() {
  latest += 1;
  if (!panel.open) return;
  panel.close();
  document.documentElement.classList.remove("with-source");
  const citation = cameFrom && cameFrom.isConnected ? cameFrom : null;
  cameFrom = null;
  window.scrollTo(0, scrolledTo);
  if (!citation) return;
  const folded = citation.closest("details");
  if (folded) folded.open = true;
  citation.focus({ preventScroll: true });
  citation.scrollIntoView({ block: "nearest" });
}

// The panel is a step in the browser's history: on a phone "back" closes it and does not
// leave the page, which would lose the conversation.
function leave() {
  if (window.history.state && window.history.state.source) window.history.back();
  else {
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
    close();
  }
}

function openFrom(event) {
  const citation = event.target instanceof Element ? event.target.closest("a.cite") : null;
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!citation || !plain || event.button !== 0) return;
  event.preventDefault();
  event.stopPropagation();
  const href = citation.getAttribute("href");
  if (!panel.open) scrolledTo = window.scrollY;
  cameFrom = citation;
  const state = { ...window.history.state, source: true };
  if (panel.open) window.history.replaceState(state, "", href);
  else window.history.pushState(state, "", href);
  open(href);
}

const moves = { ArrowLeft: -1, ArrowRight: 1 };

export function startSource() {
  document.addEventListener("click", openFrom, true);
  panel.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  panel.addEventListener("keydown", (event) => {
    if (moves[event.key] && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      step(moves[event.key]);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.open && !event.defaultPrevented) {
      event.preventDefault();
      leave();
    }
  });
  window.addEventListener("popstate", () => {
    if (window.location.hash.startsWith("#source=")) open(window.location.hash);
    else close();
  });
  narrow.addEventListener("change", () => {
    if (!panel.open) return;
    panel.close();
    show();
  });
  if (window.location.hash.startsWith("#source=")) open(window.location.hash);
}
