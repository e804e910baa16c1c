// Whether an answer helped. One vote for each answer, which may be changed; a reason may be
// given with "Not helpful". Votes are remembered by this tab only, to show what was chosen.

import { node, speak, words } from "./dom.js";

const MOST_REASON = 500;
const EARLIER = 6;

let votes = new Map(); // place of the answer in the conversation → what was said about it

function answers() {
  return [...document.querySelectorAll("#chat .answer")];
}

// The questions of the conversation up to the one that an answer is for.
function questionsTo(answer) {
  const rows = [...document.querySelectorAll("#chat .message-row")];
  const at = rows.findIndex((row) => row.contains(answer));
  return rows
    .slice(0, at)
    .flatMap((row) => [...row.querySelectorAll(".asked")])
    .map((asked) => asked.textContent);
}

async function send(at) {
  const vote = votes.get(at);
  const asked = questionsTo(answers()[at]);
  const question = asked.pop();
  vote.waiting = false;
  const said = {
    question,
    history: asked.slice(-EARLIER),
    helpful: vote.helpful,
    reason: vote.helpful ? "" : vote.reason,
  };
  try {
    // Kept alive, so that it also arrives when the page is being left.
    const response = await fetch("api/feedback", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(said),
      keepalive: true,
    });
    vote.sent = response.ok;
  } catch {
    vote.sent = false;
  }
  if (votes.get(at) !== vote) return;
  vote.said = vote.sent ? words.thanks : words.not_sent;
  show(at);
  speak(vote.said);
}

// "Not helpful" is sent with its reason, or without one when the visitor goes on.
export function sendWaiting() {
  for (const [at, vote] of votes) if (vote.waiting && answers()[at]) send(at);
}

function choose(at, helpful) {
  const before = votes.get(at);
  if (before && before.helpful === helpful && before.sent) return;
  votes.set(at, { helpful, reason: before ? before.reason : "", waiting: !helpful, said: "" });
  if (helpful) send(at);
  show(at);
  const field = answers()[at].querySelector(".reason textarea");
  if (field) field.focus();
}

function reasonForm(at, vote) {
  const form = node("form", "reason");
  const label = node("label", "", words.reason_label);
  const field = node("textarea");
  field.rows = 2;
  field.maxLength = MOST_REASON;
  field.value = vote.reason;
  field.addEventListener("input", () => {
    vote.reason = field.value;
  });
  const send_ = node("button", "send", words.send);
  send_.type = "submit";
  label.append(field);
  form.append(label, node("p", "hint", words.reason_hint), send_);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const answer = answers()[at];
    send(at).then(() => answer.querySelector(".not-helpful").focus({ preventScroll: true }));
  });
  return form;
}

function show(at) {
  const answer = answers()[at];
  const place = answer && answer.querySelector(".feedback");
  if (!place) return;
  const vote = votes.get(at);
  for (const [name, helpful] of [["helpful", true], ["not-helpful", false]]) {
    const pressed = Boolean(vote) && vote.helpful === helpful;
    place.querySelector(`.${name}`).setAttribute("aria-pressed", String(pressed));
  }
  place.querySelectorAll(".reason, .thanks").forEach((old) => old.remove());
  if (!vote) return;
  if (vote.waiting) place.append(reasonForm(at, vote));
  else if (vote.said) place.append(node("span", "thanks", vote.said));
}

// After the conversation changed: what was chosen is shown again where it was drawn anew.
export function settleFeedback() {
  const count = answers().length;
  if (!count) votes = new Map();
  for (let at = 0; at < count; at += 1) {
    const place = answers()[at].querySelector(".feedback");
    const drawn = place && place.querySelector("[aria-pressed]");
    if (place && !drawn) show(at);
  }
}

export function startFeedback() {
  document.addEventListener("click", (event) => {
    const pressed = event.target instanceof Element ? event.target.closest(".feedback button") : null;
    if (!pressed || pressed.type === "submit") return;
    const at = answers().findIndex((answer) => answer.contains(pressed));
    choose(at, pressed.classList.contains("helpful"));
  });
  window.addEventListener("pagehide", sendWaiting);
}
