-- migrate:up
-- A gathering that repeats: wall-clock time and zone, so that it survives changes of the clocks.
create table series (
    id uuid primary key,
    kind text not null check (kind in ('rally', 'march', 'vigil', 'press-briefing', 'meeting')),
    texts jsonb not null,
    place text not null,
    time_zone text not null,
    starts_local timestamp not null,
    duration_minutes integer not null check (duration_minutes between 5 and 2880),
    rrule text,
    reminder_minutes integer[] not null default '{}',
    state text not null check (state in ('draft', 'published', 'ended')),
    version integer not null default 1,
    changed_at timestamptz not null
);

-- One gathering. The id follows from series and recurrence id, so that any worker may write it. The
-- recurrence id is the date by the series' wall clock: no rule has a smaller step than a day, so it
-- stays when the hour is changed.
create table occurrence (
    id uuid primary key,
    series uuid not null references series on delete cascade,
    recurrence_id date not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    state text not null check (state in ('scheduled', 'cancelled')),
    unique (series, recurrence_id)
);
create index occurrence_starts_at on occurrence (starts_at, id);

grant select, insert, update, delete on series, occurrence to exit10_api, exit10_worker, exit10_maint;

-- migrate:down
