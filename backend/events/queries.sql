-- Every statement about series and occurrences. Nothing here is about a person.

-- name: find_series(id)^
select id, kind, texts, place, time_zone, starts_local, duration_minutes, rrule,
       reminder_minutes, state, version
from series
where id = :id;

-- name: lock_series(id)^
-- The row as it stands; nobody else changes it or writes its occurrences until this transaction ends.
select id, kind, texts, place, time_zone, starts_local, duration_minutes, rrule,
       reminder_minutes, state, version
from series
where id = :id
for update;

-- name: list_series(after, most)
select id, kind, texts, place, time_zone, starts_local, duration_minutes, rrule,
       reminder_minutes, state, version
from series
where state <> 'draft' and id > :after
order by id
limit :most;

-- name: list_published_ids()
select id from series where state = 'published' order by id;

-- name: has_series()$
select exists (select from series);

-- name: insert_series(id, kind, texts, place, time_zone, starts_local, duration_minutes, rrule, reminder_minutes, state, now)!
insert into series (id, kind, texts, place, time_zone, starts_local, duration_minutes, rrule,
                    reminder_minutes, state, version, changed_at)
values (:id, :kind, :texts, :place, :time_zone, :starts_local, :duration_minutes, :rrule,
        :reminder_minutes, :state, 1, :now)
on conflict (id) do nothing;

-- name: change_series(kind, texts, place, time_zone, starts_local, duration_minutes, rrule, reminder_minutes, state, now, id)!
update series
set kind = :kind, texts = :texts, place = :place, time_zone = :time_zone,
    starts_local = :starts_local, duration_minutes = :duration_minutes, rrule = :rrule,
    reminder_minutes = :reminder_minutes, state = :state, version = version + 1, changed_at = :now
where id = :id;

-- name: last_occurrence(series)^
select recurrence_id, starts_at
from occurrence
where series = :series
order by recurrence_id desc
limit 1;

-- name: add_occurrences(series, ids, recurrence_ids, starts, ends)!
-- What is there already stays as it is: an organiser may have changed it.
insert into occurrence (id, series, recurrence_id, starts_at, ends_at, state)
select id, :series, recurrence_id, starts_at, ends_at, 'scheduled'
from unnest(:ids::uuid[], :recurrence_ids::date[], :starts::timestamptz[], :ends::timestamptz[])
    as made (id, recurrence_id, starts_at, ends_at)
on conflict (id) do nothing;

-- name: move_occurrences(ids, starts, ends, now)!
-- What has begun stays as it was held.
update occurrence
set starts_at = made.starts_at, ends_at = made.ends_at, state = 'scheduled'
from unnest(:ids::uuid[], :starts::timestamptz[], :ends::timestamptz[])
    as made (id, starts_at, ends_at)
where occurrence.id = made.id and occurrence.starts_at > :now
  and (occurrence.starts_at, occurrence.ends_at, occurrence.state)
      is distinct from (made.starts_at, made.ends_at, 'scheduled');

-- name: withdraw_occurrences(series, now, recurrence_ids)!
-- Cancelled, never deleted: alerts hang on them, and people hold their links.
update occurrence
set state = 'cancelled'
where series = :series and starts_at > :now and state = 'scheduled'
  and recurrence_id <> all (:recurrence_ids::date[]);

-- name: list_occurrences(earliest, latest, after_start, after_id, series, most)
select occurrence.id, series, kind, occurrence.state, starts_at, ends_at, time_zone, texts, place
from occurrence
join series on series.id = occurrence.series
where series.state <> 'draft'
  and starts_at >= :earliest and starts_at < :latest
  and (starts_at, occurrence.id) > (:after_start, :after_id)
  and (:series::uuid is null or series = :series)
order by starts_at, occurrence.id
limit :most;

-- name: find_occurrence(id)^
select occurrence.id, series, kind, occurrence.state, starts_at, ends_at, time_zone, texts, place
from occurrence
join series on series.id = occurrence.series
where series.state <> 'draft' and occurrence.id = :id;

-- name: list_upcoming(now, latest)
-- Gatherings ahead that remind people.
select occurrence.id, series, starts_at, ends_at, time_zone, texts, place, reminder_minutes
from occurrence
join series on series.id = occurrence.series
where series.state = 'published' and occurrence.state = 'scheduled'
  and starts_at > :now and starts_at < :latest
  and cardinality(reminder_minutes) > 0
order by starts_at, occurrence.id;
