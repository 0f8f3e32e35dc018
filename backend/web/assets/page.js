/** Draws the page from what is known. Builds nodes, never markup from text. */

import { acceptingCommands } from "./invite.js";
import { LANGUAGES, wordsOf } from "./languages.js";

/**
 * What the page shows.
 * @typedef {object} View
 * @property {string} language
 * @property {import("./wire.js").Occurrence[] | null} occurrences null before the first answer
 * @property {import("./wire.js").Alert[]} alerts of the first gathering
 * @property {boolean} failed the last question had no answer
 * @property {Date | null} knownAt when the last answer came
 * @property {string | null} invite
 * @property {Date} now
 */

/** More than this many later gatherings would only be scrolled past. */
const LATER = 5;
const MILLISECONDS_PER_DAY = 86_400_000;

/**
 * An element with attributes and children; what is `null` is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * The whole page.
 * @param {View} view
 * @returns {HTMLElement[]}
 */
export function draw(view) {
  const words = wordsOf(view.language);
  return [
    drawHeader(view),
    h(
      "main",
      {},
      view.invite === null ? null : drawInvite(view.invite, words),
      drawNotice(view, words),
      ...drawGatherings(view, words),
    ),
    drawFooter(words),
  ];
}

/** @param {View} view */
function drawHeader(view) {
  const switches = [...LANGUAGES].map(([language, words]) => {
    const current = language === view.language;
    return h(
      "a",
      {
        id: `language-${language}`,
        href: `?lang=${language}`,
        lang: language,
        hreflang: language,
        "data-language": language,
        ...(current ? { "aria-current": "true" } : {}),
      },
      words.name,
    );
  });
  const words = wordsOf(view.language);
  return h(
    "header",
    {},
    h(
      "h1",
      {},
      h("span", { class: "sign", "aria-hidden": "true" }, "10"),
      h("span", {}, words.exit),
    ),
    h("nav", { "aria-label": words.languages }, ...switches),
  );
}

/**
 * @param {string} invite
 * @param {import("./languages.js").Words} words
 */
function drawInvite(invite, words) {
  const commands = acceptingCommands(location.origin, invite);
  const button = h("button", { id: "copy", type: "button" }, words.copy);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(commands);
    button.textContent = words.copied;
  });
  return h(
    "section",
    { class: "card invite" },
    h("h2", {}, words.invited),
    h("p", {}, words.inviteHelp),
    h("pre", { id: "commands", tabindex: "0" }, h("code", {}, commands)),
    button,
  );
}

/**
 * @param {View} view
 * @param {import("./languages.js").Words} words
 */
function drawNotice(view, words) {
  if (!view.failed) return null;
  const text = view.knownAt === null ? words.failed : words.stale(clockTime(view.knownAt, view));
  return h("p", { class: "notice", role: "status" }, text);
}

/**
 * @param {View} view
 * @param {import("./languages.js").Words} words
 */
function drawGatherings(view, words) {
  if (view.occurrences === null) {
    return view.failed ? [] : [h("p", { class: "quiet" }, words.loading)];
  }
  const [first, ...others] = view.occurrences;
  if (first === undefined) return [h("p", { class: "quiet" }, words.none)];
  return [
    drawFirst(first, view, words),
    drawAlerts(view, words),
    ...(others.length > 0 ? [drawOthers(others.slice(0, LATER), view, words)] : []),
  ];
}

/**
 * @param {import("./wire.js").Occurrence} occurrence
 * @param {View} view
 * @param {import("./languages.js").Words} words
 */
function drawFirst(occurrence, view, words) {
  const running = new Date(occurrence.startsAt) <= view.now;
  const cancelled = occurrence.state === "cancelled";
  return h(
    "section",
    { class: cancelled ? "card first cancelled" : "card first" },
    h(
      "h2",
      {},
      h("span", {}, running ? words.now : words.next),
      running ? null : h("span", { class: "soon" }, daysUntil(occurrence, view)),
    ),
    cancelled ? h("p", { class: "stamp" }, words.cancelled) : null,
    drawTime(occurrence, view),
    h("h3", { lang: occurrence.lang }, occurrence.title),
    h("p", { class: "kind" }, words.gatherings[occurrence.kind]),
    occurrence.summary === "" ? null : h("p", { lang: occurrence.lang }, occurrence.summary),
    h("h4", {}, words.meetingPoint),
    h("p", { lang: occurrence.lang, class: "point" }, occurrence.meetingPoint),
  );
}

/**
 * @param {import("./wire.js").Occurrence} occurrence
 * @param {View} view
 */
function drawTime(occurrence, view) {
  return h(
    "p",
    { class: "time" },
    h("time", { datetime: occurrence.startsAt }, dayOf(occurrence, view)),
    h("span", {}, hoursOf(occurrence, view)),
  );
}

/**
 * @param {View} view
 * @param {import("./languages.js").Words} words
 */
function drawAlerts(view, words) {
  const items = view.alerts.map((alert) =>
    h(
      "li",
      { class: `alert ${alert.kind}${alert.replaced ? " replaced" : ""}` },
      h(
        "p",
        { class: "label" },
        h("strong", {}, words.kinds[alert.kind]),
        h("time", { datetime: alert.sentAt }, clockTime(new Date(alert.sentAt), view)),
      ),
      h("h3", { lang: alert.language }, alert.title),
      h("p", { lang: alert.language }, alert.body),
      alert.replaced ? h("p", { class: "quiet" }, words.replaced) : null,
    ),
  );
  return h(
    "section",
    { class: "alerts" },
    h("h2", {}, words.alerts),
    items.length === 0 ? h("p", { class: "quiet" }, words.noAlerts) : h("ol", {}, ...items),
  );
}

/**
 * @param {import("./wire.js").Occurrence[]} occurrences
 * @param {View} view
 * @param {import("./languages.js").Words} words
 */
function drawOthers(occurrences, view, words) {
  const items = occurrences.map((occurrence) =>
    h(
      "li",
      occurrence.state === "cancelled" ? { class: "cancelled" } : {},
      drawTime(occurrence, view),
      h("h3", { lang: occurrence.lang }, occurrence.title),
      occurrence.state === "cancelled" ? h("p", { class: "stamp" }, words.cancelled) : null,
    ),
  );
  return h("section", { class: "later" }, h("h2", {}, words.later), h("ol", {}, ...items));
}

/** @param {import("./languages.js").Words} words */
function drawFooter(words) {
  const numbers = /** @type {const} */ ([
    ["112", words.police],
    ["119", words.ambulance],
    ["1366", words.hotline],
  ]);
  const calls = numbers.map(([number, whom]) =>
    h("li", {}, h("a", { href: `tel:${number}` }, h("b", {}, number), h("span", {}, whom))),
  );
  return h(
    "footer",
    {},
    h("h2", {}, words.help),
    h("ul", { class: "numbers" }, ...calls),
    h("p", { class: "quiet" }, words.promise),
  );
}

/**
 * @param {import("./wire.js").Occurrence} occurrence
 * @param {View} view
 */
function dayOf(occurrence, view) {
  const starts = new Date(occurrence.startsAt);
  const thisYear = starts.getFullYear() === view.now.getFullYear();
  return new Intl.DateTimeFormat(view.language, {
    timeZone: occurrence.timeZone,
    ...(thisYear ? {} : { year: "numeric" }),
    month: "long",
    day: "numeric",
    weekday: "long",
  }).format(starts);
}

/**
 * @param {import("./wire.js").Occurrence} occurrence
 * @param {View} view
 */
function hoursOf(occurrence, view) {
  return new Intl.DateTimeFormat(view.language, {
    timeZone: occurrence.timeZone,
    hour: "numeric",
    minute: "2-digit",
  }).formatRange(new Date(occurrence.startsAt), new Date(occurrence.endsAt));
}

/**
 * @param {Date} moment
 * @param {View} view
 */
function clockTime(moment, view) {
  const options = /** @type {const} */ ({ hour: "numeric", minute: "2-digit" });
  const older = view.now.getTime() - moment.getTime() > MILLISECONDS_PER_DAY / 2;
  return new Intl.DateTimeFormat(view.language, {
    ...options,
    ...(older ? { month: "numeric", day: "numeric" } : {}),
  }).format(moment);
}

/**
 * Today, tomorrow, in four days: by the calendar of the gathering's place.
 * @param {import("./wire.js").Occurrence} occurrence
 * @param {View} view
 */
function daysUntil(occurrence, view) {
  const calendar = new Intl.DateTimeFormat("en-CA", { timeZone: occurrence.timeZone });
  const day = (/** @type {Date} */ moment) => Date.parse(calendar.format(moment));
  const days = (day(new Date(occurrence.startsAt)) - day(view.now)) / MILLISECONDS_PER_DAY;
  return new Intl.RelativeTimeFormat(view.language, { numeric: "auto" }).format(days, "day");
}
