/** The page in English. */

/** @type {import("./languages.js").Words} */
export default {
  name: "English",
  exit: "Exit 10",
  languages: "Languages",
  next: "Next gathering",
  now: "Happening now",
  later: "After that",
  none: "No gathering is planned.",
  loading: "Loading…",
  meetingPoint: "Where we meet",
  cancelled: "Cancelled",
  alerts: "Alerts so far",
  noAlerts: "No alerts yet.",
  replaced: "A later alert took its place",
  failed: "This cannot be loaded now. Trying again shortly.",
  stale: (time) => `No connection. This is what was known at ${time}.`,
  help: "If you need help",
  police: "Police",
  ambulance: "Fire and ambulance",
  hotline: "Women’s emergency line and digital sex crime, 24 h",
  promise:
    "Exit 10 neither asks nor stores who takes part. This page sets no cookie and contacts no other site.",
  invited: "You are invited to organise",
  inviteHelp:
    "Until the organisers’ screens are there, accept the invite in a terminal with the commands below. It works once, and the access token that the last line shows must be kept secret.",
  copy: "Copy the commands",
  copied: "Copied",
  gatherings: {
    rally: "Rally",
    march: "March",
    vigil: "Vigil",
    "press-briefing": "Press briefing",
    meeting: "Meeting",
  },
  kinds: {
    information: "Information",
    change: "Change",
    cancellation: "Cancellation",
    reminder: "Reminder",
    "safety-warning": "Safety warning",
    "leave-now": "Leave now",
    "all-clear": "All clear",
  },
};
