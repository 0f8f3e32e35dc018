// Reads a calendar on standard input as programs built on ical.js do (Thunderbird, Nextcloud), and
// writes what it would show before an instant (seconds of Unix time, the only argument) as JSON.

import { readFileSync } from "node:fs";
import ICAL from "ical.js";

ICAL.design.strict = true;

const before = Number(process.argv[2]);
const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf-8")));
const components = calendar.getAllSubcomponents("vevent");
const masters = components.filter((each) => !each.hasProperty("recurrence-id"));
const exceptions = components.filter((each) => each.hasProperty("recurrence-id"));

console.log(JSON.stringify(masters.flatMap((each) => [...shown(each)])));

function* shown(component) {
  const uid = component.getFirstPropertyValue("uid");
  const event = new ICAL.Event(component, {
    strictExceptions: true,
    exceptions: exceptions.filter((each) => each.getFirstPropertyValue("uid") === uid),
  });
  if (!event.isRecurring()) {
    if (event.startDate.toUnixTime() < before) yield told(event, event.startDate, event.endDate);
    return;
  }
  const starts = event.iterator();
  for (let at = starts.next(); at && at.toUnixTime() < before; at = starts.next()) {
    const { item, startDate, endDate } = event.getOccurrenceDetails(at);
    yield told(item, startDate, endDate);
  }
}

function told(event, start, end) {
  return {
    uid: event.uid,
    startsAt: start.toUnixTime(),
    endsAt: end.toUnixTime(),
    cancelled: event.component.getFirstPropertyValue("status") === "CANCELLED",
    title: event.summary,
    place: event.location,
  };
}
