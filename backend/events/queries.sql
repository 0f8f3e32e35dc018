-- Every statement about series and occurrences. Nothing here is about a person.

-- name: find_series(id)^
select id, root, continues, continues_from, kind, texts, place, press, time_zone, starts_local,
       duration_minutes, rrule, removed_dates, ends_before, written_before, reminder_minutes, state,
       version, sequence, changed_at
from series
where id = :id;

-- name: lock_series(id)^
-- The row as it stands; nobody else changes it or writes its occurrences until this transaction ends.
select id, root, continues, continues_from, kind, texts, place, press, time_zone, starts_local,
       duration_minutes, rrule, removed_dates, ends_before, written_before, reminder_minutes, state,
       version, sequence, changed_at
from series
where id = :id
for update;

-- name: list_series(after, most)
select id, root, continues, continues_from, kind, texts, place, press, time_zone, starts_local,
       duration_minutes, rrule, removed_dates, ends_before, written_before, reminder_minutes, state,
       version, sequence, changed_at
from series
where state <> 'draft' and id > :after
order by id
limit :most;

-- name: list_line(series)
-- The series of one line that were published, or of every line; each after what it continues.
select id, root, continues, continues_from, kind, texts, place, press, time_zone, starts_local,
       duration_minutes, rrule, removed_dates, ends_before, written_before, reminder_minutes, state,
       version, sequence, changed_at
from series
where state <> 'draft'
  and (:series::uuid is null or root = (select line.root from series line where line.id = :series))
order by root, continues_from nulls first, id;

-- name: list_published_ids()
select id from series where state = 'published' order by id;

-- name: has_series()$
select exists (select from series);

-- name: insert_series(id, root, continues, continues_from, kind, texts, place, press, time_zone, starts_local, duration_minutes, rrule, reminder_minutes, state, sequence, now)!
insert into series (id, root, continues, continues_from, kind, texts, place, press, time_zone,
                    starts_local, duration_minutes, rrule, reminder_minutes, state, version,
                    sequence, changed_at)
values (:id, :root, :continues, :continues_from, :kind, :texts, :place, :press, :time_zone,
        :starts_local, :duration_minutes, :rrule, :reminder_minutes, :state, 1, :sequence, :now)
on conflict (id) do nothing;

-- name: change_series(kind, texts, place, press, time_zone, starts_local, duration_minutes, rrule, removed_dates, ends_before, reminder_minutes, state, now, id)!
update series
set kind = :kind, texts = :texts, place = :place, press = :press, time_zone = :time_zone,
    starts_local = :starts_local, duration_minutes = :duration_minutes, rrule = :rrule,
    removed_dates = :removed_dates, ends_before = :ends_before,
    reminder_minutes = :reminder_minutes, state = :state, version = version + 1,
    sequence = sequence + 1, changed_at = :now
where id = :id;

-- name: handed_over_on(series)$
select min(continues_from) from series where continues = :series;

-- name: write_down_before(before, id)!
-- All that the rule makes before this instant has been decided: it is written down, or not held.
update series set written_before = greatest(written_before, :before) where id = :id;

-- name: add_occurrences(series, ids, recurrence_ids, starts, ends, now)!
-- What is there already stays as it is: an organiser may have changed it.
insert into occurrence (id, series, recurrence_id, starts_at, ends_at, state, changed_at)
select id, :series, recurrence_id, starts_at, ends_at, 'scheduled', :now
from unnest(:ids::uuid[], :recurrence_ids::date[], :starts::timestamptz[], :ends::timestamptz[])
    as made (id, recurrence_id, starts_at, ends_at)
on conflict do nothing;

-- name: move_occurrences(series, recurrence_ids, starts, ends, sequence, now)!
-- What has begun stays as it was held, what has a time of its own keeps it, and what was cancelled
-- for a reason stays cancelled.
update occurrence
set starts_at = case when moved then occurrence.starts_at else made.starts_at end,
    ends_at = case when moved then occurrence.ends_at else made.ends_at end,
    state = 'scheduled', added = false, reason = null, sequence = :sequence, changed_at = :now
from unnest(:recurrence_ids::date[], :starts::timestamptz[], :ends::timestamptz[])
    as made (recurrence_id, starts_at, ends_at)
where occurrence.series = :series and occurrence.recurrence_id = made.recurrence_id
  and occurrence.starts_at > :now
  and (occurrence.state <> 'cancelled' or occurrence.reason is null)
  and ((occurrence.state, occurrence.added) is distinct from ('scheduled', false)
       or (not moved and (occurrence.starts_at, occurrence.ends_at)
           is distinct from (made.starts_at, made.ends_at)));

-- name: withdraw_occurrences(series, now, recurrence_ids, added_too, sequence)!
-- Cancelled, never deleted: alerts hang on them, and people hold their links.
update occurrence
set state = 'cancelled', sequence = :sequence, changed_at = :now
where series = :series and starts_at > :now and state = 'scheduled'
  and (:added_too or not added) and recurrence_id <> all (:recurrence_ids::date[]);

-- name: list_occurrences(earliest, latest, after_start, after_id, series, most)
-- A series stands for its whole line.
select occurrence.id, series, series.root, kind, occurrence.state, starts_at, ends_at, time_zone,
       series.texts, occurrence.texts as own_texts, coalesce(occurrence.place, series.place) as place,
       press, reason
from occurrence
join series on series.id = occurrence.series
where series.state <> 'draft' and occurrence.state <> 'removed'
  and starts_at >= :earliest and starts_at < :latest
  and (starts_at, occurrence.id) > (:after_start, :after_id)
  and (:series::uuid is null
       or series.root = (select line.root from series line where line.id = :series))
order by starts_at, occurrence.id
limit :most;

-- name: find_occurrence(id)^
select occurrence.id, series, series.root, kind, occurrence.state, starts_at, ends_at, time_zone,
       series.texts, occurrence.texts as own_texts, coalesce(occurrence.place, series.place) as place,
       press, reason
from occurrence
join series on series.id = occurrence.series
where series.state <> 'draft' and occurrence.id = :id;

-- name: list_written(series)
-- Everything that is written down of some series, by date.
select id, series, recurrence_id, starts_at, ends_at, state, added, moved, texts, place, reason,
       sequence, changed_at
from occurrence
where series = any (:series::uuid[])
order by series, recurrence_id;

-- name: find_written(id)^
select id, series, recurrence_id, starts_at, ends_at, state, added, moved, texts, place, reason,
       sequence, changed_at
from occurrence
where id = :id;

-- name: list_upcoming(now, latest)
-- Gatherings ahead that remind people.
select occurrence.id, series.root as series, starts_at, ends_at, time_zone, series.texts,
       occurrence.texts as own_texts, coalesce(occurrence.place, series.place) as place,
       reminder_minutes
from occurrence
join series on series.id = occurrence.series
where series.state = 'published' and occurrence.state = 'scheduled'
  and starts_at > :now and starts_at < :latest
  and cardinality(reminder_minutes) > 0
order by starts_at, occurrence.id;

-- name: find_written_on(series, recurrence_id)^
select id, series, recurrence_id, starts_at, ends_at, state, added, moved, texts, place, reason,
       sequence, changed_at
from occurrence
where series = :series and recurrence_id = :recurrence_id;

-- name: insert_occurrence(id, series, recurrence_id, starts_at, ends_at, state, added, moved, texts, place, reason, sequence, changed_at)!
insert into occurrence (id, series, recurrence_id, starts_at, ends_at, state, added, moved, texts,
                        place, reason, sequence, changed_at)
values (:id, :series, :recurrence_id, :starts_at, :ends_at, :state, :added, :moved, :texts, :place,
        :reason, :sequence, :changed_at);

-- name: change_occurrence(starts_at, ends_at, state, added, moved, texts, place, reason, sequence, changed_at, id)!
update occurrence
set starts_at = :starts_at, ends_at = :ends_at, state = :state, added = :added, moved = :moved,
    texts = :texts, place = :place, reason = :reason, sequence = :sequence,
    changed_at = :changed_at
where id = :id;

-- name: count_change(id, now)!
-- One of its gatherings changed: calendars have to notice.
update series set sequence = sequence + 1, changed_at = :now where id = :id;

-- name: change_dates(removed_dates, ends_before, now, id)!
update series
set removed_dates = :removed_dates, ends_before = :ends_before, version = version + 1,
    sequence = sequence + 1, changed_at = :now
where id = :id;

-- name: hand_over(new, series, since, sequence, now)!
-- The gatherings from a date on belong to the series that continues this one.
update occurrence
set series = :new, sequence = :sequence, changed_at = :now
where series = :series and recurrence_id >= :since;

-- name: hand_over_continuations(new, series, since)!
update series
set continues = :new
where continues = :series and continues_from > :since and id <> :new;

-- name: list_drafts(after, most)
select id, root, continues, continues_from, kind, texts, place, press, time_zone, starts_local,
       duration_minutes, rrule, removed_dates, ends_before, written_before, reminder_minutes, state,
       version, sequence, changed_at
from series
where state = 'draft' and id > :after
order by id
limit :most;

-- name: insert_proposal(id, series, change, effects, based_on, composer, now)!
insert into proposal (id, series, change, effects, based_on, composer, state, composed_at)
values (:id, :series, :change, :effects, :based_on, :composer, 'open', :now)
on conflict (id) do update
set state = 'open', composer = :composer, composed_at = :now, decided_at = null
where proposal.state = 'withdrawn';

-- name: find_proposal(id)^
select id, series, change, effects, based_on, composer, state, composed_at
from proposal
where id = :id;

-- name: lock_proposal(id)^
select id, series, change, effects, based_on, composer, state, composed_at
from proposal
where id = :id
for update;

-- name: list_proposals(most)
select id, series, change, effects, based_on, composer, state, composed_at
from proposal
where state = 'open'
order by composed_at, id
limit :most;

-- name: decide_proposal(state, now, id)!
update proposal
set state = :state, decided_at = :now
where id = :id and state = 'open';

-- name: forget_proposals(decided_before, composed_before)
-- Who proposed what is nobody's business a day after it was decided, or when nobody decides.
delete from proposal
where decided_at < :decided_before or composed_at < :composed_before
returning id;

-- name: version()$
select version from events_version;

-- name: bump_version()!
update events_version set version = version + 1;
