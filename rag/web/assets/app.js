// The page's own behaviour: where the eye goes after an answer, links to a question, and
// what is said when the server cannot be reached. No framework, no dependency.

import { copy, node, quoted, speak, words } from "./dom.js";
import { sendWaiting, settleFeedback, startFeedback } from "./feedback.js";
import { startSource } from "./source.js";

const touch = window.matchMedia("(pointer: coarse)");
const DRAFT = "question-not-taken";

// ---------------------------------------------------------------- the question box

function box() {
  return document.querySelector("#box textarea");
}

function write(question) {
  box().value = question;
  box().dispatchEvent(new Event("input", { bubbles: true }));
}

// A link to a question holds it behind "#", which browsers send to no server.
function askFromLink() {
  if (!window.location.hash.startsWith("#ask=")) return;
  const question = new URLSearchParams(window.location.hash.slice(1)).get("ask");
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  if (!question.trim()) return;
  write(question);
  // Gradio reads the box a moment after it was written.
  requestAnimationFrame(() => setTimeout(() => document.getElementById("ask").click(), 0));
}

function linkTo(answer) {
  const understood = answer.querySelector(".understood bdi");
  const question = understood ? understood.textContent : questionOf(answer);
  const address = window.location.origin + window.location.pathname;
  return `${address}#ask=${encodeURIComponent(question)}`;
}

function questionRow(answer) {
  const rows = [...document.querySelectorAll("#chat .message-row")];
  const row = rows[rows.findIndex((each) => each.contains(answer)) - 1];
  return row && row.classList.contains("user-row") ? row : null;
}

function questionOf(answer) {
  const asked = questionRow(answer)?.querySelector(".asked");
  return asked ? asked.textContent : "";
}

const tools = {
  edit: (pressed) => {
    write(questionOf(pressed.closest(".answer")));
    box().focus();
    box().setSelectionRange(box().value.length, box().value.length);
  },
  share: (pressed) => copy(linkTo(pressed.closest(".answer")), pressed, words.link_copied),
  copy: (pressed) => {
    const citation = pressed.closest(".who").querySelector("a.cite");
    return copy(quoted(citation), pressed, words.copied);
  },
};

document.addEventListener("click", (event) => {
  const pressed =
    event.target instanceof Element ? event.target.closest("#chat .answer button.quiet") : null;
  if (!pressed) return;
  for (const [name, use] of Object.entries(tools)) {
    if (pressed.classList.contains(name)) use(pressed);
  }
});

// ---------------------------------------------------------------- trouble on the way

const trouble = node("p", "trouble");
trouble.setAttribute("role", "alert");

function sayTrouble(message) {
  trouble.textContent = message;
}

function pause() {
  return new Promise((resume) => {
    setTimeout(resume, 2000);
    window.addEventListener("online", resume, { once: true });
  });
}

// Where a question cannot be delivered, Gradio gives up and reloads the page as soon as it
// can, and the conversation is gone. So it is not told: the question waits and goes out again.
const plainFetch = window.fetch.bind(window);
let refused = 0; // the status with which the last question was refused
window.fetch = async (...request) => {
  const address = request[0] instanceof Request ? request[0].url : String(request[0]);
  if (!/\/queue\/join\b/.test(address)) return plainFetch(...request);
  for (let waited = false; ; waited = true) {
    const response = await plainFetch(...request).catch((error) => {
      if (error.name === "AbortError") throw error;
      return null;
    });
    // What a proxy says while the server behind it is away.
    if (response && response.status !== 502 && response.status !== 504) {
      if (waited) sayTrouble("");
      refused = response.ok ? 0 : response.status;
      return response;
    }
    sayTrouble(navigator.onLine ? words.lost : words.offline);
    await pause();
  }
};

// Where the connection breaks in mid-answer, Gradio answers nothing any more until the page is
// loaded again: what was typed is kept over that, in this tab only, and taken out as soon as it
// stands in the box again.
let broken = false;
function keepDraft() {
  if (broken && box()) window.sessionStorage.setItem(DRAFT, box().value);
}

async function comeBack() {
  if (broken) return;
  broken = true;
  keepDraft();
  for (;;) {
    const response = await plainFetch("healthz").catch(() => null);
    if (response && response.ok) break;
    await pause();
  }
  window.location.reload();
}

function restoreDraft() {
  const draft = window.sessionStorage.getItem(DRAFT);
  if (draft === null) return;
  window.sessionStorage.removeItem(DRAFT);
  if (draft) write(draft);
  sayTrouble(words.restored);
}

// Gradio breaks its own connection off when the page is being left: that is no trouble. A
// telephone number that is tapped looks like leaving too, so it is not for good.
let leaving = false;
window.addEventListener("beforeunload", () => {
  leaving = true;
  setTimeout(() => {
    leaving = false;
  }, 3000);
});

// Gradio's own signs of trouble, which are not shown.
const seen = new WeakSet();
function readTrouble() {
  const signs = '[data-testid="toast-body"], [data-testid="status-tracker"] .error';
  for (const sign of document.querySelectorAll(signs)) {
    if (seen.has(sign)) continue;
    seen.add(sign);
    if (leaving) continue;
    if (refused) sayTrouble(refused === 429 || refused === 503 ? words.busy : words.failed);
    else {
      sayTrouble(words.broken);
      comeBack();
    }
  }
}

window.addEventListener("offline", () => sayTrouble(words.offline));
window.addEventListener("online", () => sayTrouble(""));
document.addEventListener("input", keepDraft);

// ---------------------------------------------------------------- after each answer

function aloud(answer) {
  const parts = answer.querySelectorAll(".kind-medical_advice > .notice, .heard, .silent");
  const said = parts.length ? [...parts] : [answer];
  return said.map((part) => part.textContent).join(" ");
}

// What Gradio's conversation would say to a screen reader, and what its sanitiser does.
function mend(chat) {
  // It labels each message with its whole HTML source, which would be read out.
  for (const message of chat.querySelectorAll("[data-testid][aria-label]")) {
    message.removeAttribute("aria-label");
  }
  // It is a live log: every answer would be read out whole, and then announced by us.
  for (const log of chat.querySelectorAll('[role="log"]:not([aria-live="off"])')) {
    log.setAttribute("aria-live", "off");
  }
  // It makes every link open a new tab; a telephone number needs none.
  for (const phone of document.querySelectorAll("a.phone[target]")) {
    phone.removeAttribute("target");
  }
  // It strips aria attributes from what we send.
  for (const answer of chat.querySelectorAll(".answer:not([aria-label])")) {
    answer.setAttribute("aria-label", words.answer);
  }
}

// A new answer is read from its question down, not from its end up. Focus is moved only
// when it was lost, for example because the button that was pressed is gone.
let answers = 0;
function settle() {
  const chat = document.getElementById("chat");
  if (!chat) return;
  mend(chat);
  settleFeedback();
  readTrouble();
  const all = [...chat.querySelectorAll(".answer")];
  if (all.length === answers) return;
  const grown = all.length > answers;
  answers = all.length;
  sayTrouble("");
  // On a touch screen the keyboard would cover the answer for as long as the box has focus.
  if (touch.matches && document.activeElement) document.activeElement.blur();
  const active = document.activeElement;
  const gone = !active || active === document.body || !active.getClientRects().length;
  if (!grown) {
    window.scrollTo(0, 0);
    const heading = document.querySelector("#intro h1");
    if (gone && heading) heading.focus({ preventScroll: true });
    return;
  }
  sendWaiting();
  const newest = all[all.length - 1];
  (questionRow(newest) || newest).scrollIntoView({ block: "start" });
  if (gone) newest.focus({ preventScroll: true });
  speak(aloud(newest));
}

let started = false;
function start() {
  if (started || !box() || !document.getElementById("ask")) return;
  started = true;
  document.getElementById("composer").prepend(trouble);
  restoreDraft();
  askFromLink();
}

let waiting = false;
new MutationObserver(() => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    start();
    settle();
  });
}).observe(document.body, { childList: true, subtree: true });

// Gradio names the browser's language as the page's, whatever the page is written in.
const root = document.documentElement;
function setLanguage() {
  if (root.lang !== words.language) root.lang = words.language;
}
new MutationObserver(setLanguage).observe(root, { attributeFilter: ["lang"] });
setLanguage();

document.addEventListener(
  "click",
  (event) => {
    if (event.target instanceof Element && event.target.closest("#again")) sendWaiting();
  },
  true,
);
window.addEventListener("hashchange", askFromLink);
startFeedback();
startSource();
