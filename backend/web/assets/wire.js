/** What the page asks of the API: public reads, without cookies or tokens. */

/**
 * @typedef {"rally" | "march" | "vigil" | "press-briefing" | "meeting"} Gathering
 * @typedef {"information" | "change" | "cancellation" | "reminder" | "safety-warning" | "leave-now" | "all-clear"} Kind
 *
 * @typedef {object} Occurrence
 * @property {string} id
 * @property {Gathering} kind
 * @property {"scheduled" | "cancelled"} state
 * @property {string} startsAt RFC 3339 with offset
 * @property {string} endsAt RFC 3339 with offset
 * @property {string} timeZone IANA name
 * @property {string} lang language of the texts
 * @property {string} title
 * @property {string} summary
 * @property {string} meetingPoint
 *
 * @typedef {object} Alert
 * @property {string} id
 * @property {Kind} kind
 * @property {string} language
 * @property {string} title
 * @property {string} body
 * @property {string} sentAt RFC 3339
 * @property {boolean} replaced
 */

const PATIENCE_MILLISECONDS = 15_000;

/**
 * Gatherings that are not over, the soonest first.
 * @param {string} language
 * @returns {Promise<Occurrence[]>}
 */
export async function fetchOccurrences(language) {
  /** @type {{items: Occurrence[]}} */
  const page = await read(`/v1/occurrences?lang=${language}`);
  return page.items;
}

/**
 * The alerts of a gathering, the newest first.
 * @param {string} occurrence
 * @param {string} language
 * @returns {Promise<Alert[]>}
 */
export async function fetchAlerts(occurrence, language) {
  /** @type {{alerts: Alert[]}} */
  const page = await read(`/v1/occurrences/${occurrence}/alerts?lang=${language}`);
  return page.alerts;
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
async function read(path) {
  const response = await fetch(path, {
    cache: "no-cache",
    credentials: "omit",
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}
