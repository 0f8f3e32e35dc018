/** Keeps the page true: asks again each minute while somebody looks, and on every return. */

import { inviteIn } from "./invite.js";
import { LANGUAGES, chosenLanguage } from "./languages.js";
import { draw } from "./page.js";
import { fetchAlerts, fetchOccurrences } from "./wire.js";

const REFRESH_MILLISECONDS = 60_000;

/** @type {Omit<import("./page.js").View, "now">} */
let view = {
  language: chosenLanguage(location.search, navigator.languages),
  occurrences: null,
  alerts: [],
  failed: false,
  knownAt: null,
  invite: inviteIn(location.hash),
};

/** What was drawn last: a page that would look the same is left alone under the reader's finger. */
let drawn = "";

/** @param {Partial<import("./page.js").View>} change */
function show(change) {
  view = { ...view, ...change };
  const fresh = draw({ ...view, now: new Date() });
  const markup = fresh.map((element) => element.outerHTML).join("");
  if (markup === drawn) return;
  drawn = markup;
  const focused = document.activeElement?.id;
  document.documentElement.lang = view.language;
  document.body.replaceChildren(...fresh);
  if (focused) document.getElementById(focused)?.focus();
}

async function refresh() {
  const language = view.language;
  try {
    const occurrences = await fetchOccurrences(language);
    const first = occurrences[0];
    const alerts = first === undefined ? [] : await fetchAlerts(first.id, language);
    if (language === view.language) {
      show({ occurrences, alerts, failed: false, knownAt: new Date() });
    }
  } catch {
    if (language === view.language) show({ failed: true });
  }
}

document.addEventListener("click", (event) => {
  const language = event.target instanceof HTMLElement && event.target.dataset["language"];
  if (!language || !LANGUAGES.has(language)) return;
  event.preventDefault();
  history.replaceState(null, "", `?lang=${language}`);
  show({ language });
  void refresh();
});

addEventListener("hashchange", () => show({ invite: inviteIn(location.hash) }));
addEventListener("online", () => void refresh());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void refresh();
});
setInterval(() => {
  if (document.visibilityState === "visible") void refresh();
}, REFRESH_MILLISECONDS);

show({});
void refresh();
