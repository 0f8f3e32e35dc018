-- All SQL of notices. No statement takes free text.

-- name: list_notices(occurrences)
select occurrence, state, filed_at, filed_for, correction_demanded_at, corrected_at, banned_at,
       measure, objected_at, ruled_at, withdrawn_at, holding_reported_at, exemption, marshals,
       stations, rival_banned, version
from notice
where occurrence = any (:occurrences::uuid[]);

-- name: lock_notice(occurrence)^
select occurrence, state, filed_at, filed_for, correction_demanded_at, corrected_at, banned_at,
       measure, objected_at, ruled_at, withdrawn_at, holding_reported_at, exemption, marshals,
       stations, rival_banned, version
from notice
where occurrence = :occurrence
for update;

-- name: list_standing(earliest, latest)
-- Gatherings whose notice stands and names a start in this span, wherever they were moved to.
select occurrence from notice
where state in ('filed', 'corrected') and filed_for >= :earliest and filed_for < :latest;

-- name: insert_notice(occurrence, state, filed_at, filed_for, correction_demanded_at, corrected_at, banned_at, measure, objected_at, ruled_at, withdrawn_at, holding_reported_at, exemption, marshals, stations, rival_banned, version)!
insert into notice (
    occurrence, state, filed_at, filed_for, correction_demanded_at, corrected_at, banned_at,
    measure, objected_at, ruled_at, withdrawn_at, holding_reported_at, exemption, marshals,
    stations, rival_banned, version
)
values (
    :occurrence, :state, :filed_at, :filed_for, :correction_demanded_at, :corrected_at, :banned_at,
    :measure, :objected_at, :ruled_at, :withdrawn_at, :holding_reported_at, :exemption, :marshals,
    :stations, :rival_banned, :version
)
on conflict (occurrence) do nothing;

-- name: change_notice(occurrence, state, filed_at, filed_for, correction_demanded_at, corrected_at, banned_at, measure, objected_at, ruled_at, withdrawn_at, holding_reported_at, exemption, marshals, stations, rival_banned, version)!
update notice
set state = :state, filed_at = :filed_at, filed_for = :filed_for,
    correction_demanded_at = :correction_demanded_at, corrected_at = :corrected_at,
    banned_at = :banned_at, measure = :measure, objected_at = :objected_at, ruled_at = :ruled_at,
    withdrawn_at = :withdrawn_at, holding_reported_at = :holding_reported_at,
    exemption = :exemption, marshals = :marshals, stations = :stations,
    rival_banned = :rival_banned, version = :version
where occurrence = :occurrence;

-- name: list_reminders(occurrences)
select occurrence, step, deadline, max(reminded_at) as reminded_at
from notice_reminder
where occurrence = any (:occurrences::uuid[])
group by occurrence, step, deadline;

-- name: add_reminders(occurrences, steps, deadlines, hours, now)!
-- Any number of workers may remind of the same thing: the first writes it.
insert into notice_reminder (occurrence, step, deadline, hours_before, reminded_at)
select due.occurrence, due.step, due.deadline, due.hours_before, :now
from unnest(:occurrences::uuid[], :steps::text[], :deadlines::timestamptz[], :hours::integer[])
    as due (occurrence, step, deadline, hours_before)
join occurrence on occurrence.id = due.occurrence
on conflict do nothing;
