// The source panel, and where the eye goes after an answer. No framework, no dependency.
// Text from a page or a visitor reaches the document through textContent only.
"use strict";

(() => {
  const words = JSON.parse(document.getElementById("panel-words").textContent);
  const narrow = window.matchMedia("(max-width: 999px)");
  const touch = window.matchMedia("(pointer: coarse)");

  function node(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // ---------------------------------------------------------------- the panel's frame

  const panel = node("dialog");
  panel.id = "source";
  panel.setAttribute("aria-labelledby", "source-title");
  const title = node("h2");
  title.id = "source-title";
  const publisher = node("p", "publisher");
  const back = node("button", "back", words.back);
  back.type = "button";
  const page = node("div", "page");
  page.tabIndex = 0; // scrollable by keyboard
  page.setAttribute("role", "region");
  page.setAttribute("aria-labelledby", "source-title");
  const head = node("header");
  head.append(back, title, publisher);
  const emergency = node("p", "emergency");
  panel.append(head, page, emergency);
  document.body.append(panel);

  let cameFrom = null; // the citation that opened the panel
  let scrolledTo = 0; // where the conversation stood then
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
    const place = view.publisher.includes(view.region) ? "" : view.region;
    title.textContent = view.title;
    publisher.textContent = [view.publisher, place, view.kind].filter(Boolean).join(" · ");
    page.replaceChildren(node("p", "note", words.asRead));
    let list = null;
    let commenting = false;
    for (const block of view.blocks) {
      if (block.kind === "comment" && !commenting) {
        page.append(node("h4", "comments", words.comments), node("p", "note", words.commentsNote));
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

  function showMark() {
    const mark = page.querySelector("mark");
    if (!mark) return;
    mark.tabIndex = -1;
    mark.focus({ preventScroll: true });
    const tall = mark.getBoundingClientRect().height > page.clientHeight * 0.8;
    const several = page.querySelectorAll("mark").length > 1;
    mark.scrollIntoView({ block: tall || several ? "start" : "center" });
  }

  function say(message) {
    const line = node("p", "note", message);
    line.setAttribute("role", "status");
    page.replaceChildren(line);
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

  async function open(href) {
    const asked = new URLSearchParams(href.slice(1));
    const name = (asked.get("source") || "").split("/").map(encodeURIComponent).join("/");
    asked.delete("source");
    const mine = ++latest;
    title.textContent = "";
    publisher.textContent = "";
    say(words.loading);
    show();
    back.focus({ preventScroll: true });
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
    showMark();
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
    if (citation) citation.focus({ preventScroll: true });
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

  document.addEventListener(
    "click",
    (event) => {
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
    },
    true,
  );
  back.addEventListener("click", leave);
  panel.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
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

  // ---------------------------------------------------------------- after each answer

  // A new answer is read from its question down, not from its end up. Focus is moved only
  // when it was lost, for example because the button that was pressed is gone.
  let answers = 0;
  function settle() {
    const chat = document.getElementById("chat");
    if (!chat) return;
    // Gradio labels each message with its whole HTML source, which a screen reader would read.
    for (const message of chat.querySelectorAll("[data-testid][aria-label]")) {
      message.removeAttribute("aria-label");
    }
    // Its sanitiser makes every link open a new tab; a telephone number needs none.
    for (const phone of document.querySelectorAll("a.phone[target]")) {
      phone.removeAttribute("target");
    }
    const now = chat.querySelectorAll(".answer").length;
    if (now === answers) return;
    const grown = now > answers;
    answers = now;
    // On a touch screen the keyboard would cover the answer for as long as the box has focus.
    if (touch.matches && document.activeElement) document.activeElement.blur();
    const active = document.activeElement;
    const lost = !active || active === document.body || !active.getClientRects().length;
    if (!grown) {
      window.scrollTo(0, 0);
      const heading = document.querySelector("#intro h1");
      if (lost && heading) heading.focus({ preventScroll: true });
      return;
    }
    const newest = [...chat.querySelectorAll(".answer")].pop();
    const rows = [...chat.querySelectorAll(".message-row")];
    const at = rows.findIndex((row) => row.contains(newest));
    const asked = rows[at - 1] && rows[at - 1].classList.contains("user-row") ? rows[at - 1] : null;
    (asked || newest).scrollIntoView({ block: "start" });
    if (lost) newest.focus({ preventScroll: true });
  }
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      settle();
    });
  }).observe(document.body, { childList: true, subtree: true });
})();
