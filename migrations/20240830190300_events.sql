-- migrate:up
-- A gathering that repeats: wall-clock time and zone, so that it survives changes of the clocks.
-- "This and following" makes a series that continues another from one of its dates on; both have
-- the root of their line, which people subscribed to.
create table series (
    id uuid primary key,
    root uuid not null references series on delete cascade,
    continues uuid references series on delete cascade,
    continues_from date,
    kind text not null check (kind in ('rally', 'march', 'vigil', 'press-briefing', 'meeting')),
    texts jsonb not null,
    place text not null,
    press jsonb,
    time_zone text not null,
    starts_local timestamp not null,
    duration_minutes integer not null check (duration_minutes between 5 and 2880),
    rrule text,
    removed_dates date[] not null default '{}',
    ends_before date,
    written_before timestamptz,
    reminder_minutes integer[] not null default '{}',
    state text not null check (state in ('draft', 'published', 'ended')),
    version integer not null default 1,
    sequence integer not null default 0,
    changed_at timestamptz not null,
    check ((continues is null) = (continues_from is null))
);
create index series_root on series (root);
create index series_continues on series (continues);

-- One gathering. The id follows from its first series and recurrence id, so that any worker may
-- write it, and never changes. The recurrence id is the date by the series' wall clock: no rule has
-- a smaller step than a day, so it stays when the hour is changed. What is null is the series' own.
create table occurrence (
    id uuid primary key,
    series uuid not null references series on delete cascade,
    recurrence_id date not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    state text not null check (state in ('scheduled', 'cancelled', 'removed')),
    added boolean not null default false,
    moved boolean not null default false,
    texts jsonb,
    place text,
    reason jsonb,
    sequence integer not null default 0,
    changed_at timestamptz not null,
    unique (series, recurrence_id)
);
create index occurrence_starts_at on occurrence (starts_at, id);

-- A change that takes gatherings away, until enough organisers stand behind it.
create table proposal (
    id uuid primary key,
    series uuid not null references series on delete cascade,
    change jsonb not null,
    effects jsonb not null,
    based_on integer not null,
    composer uuid references organiser on delete set null,
    state text not null check (state in ('open', 'done', 'withdrawn')),
    composed_at timestamptz not null,
    decided_at timestamptz
);

-- Grows with every change that the public can see, in the transaction that makes it.
create table events_version (
    singleton boolean primary key default true check (singleton),
    version bigint not null
);
insert into events_version (version) values (1);

grant select, insert, update, delete on series, occurrence, proposal
to exit10_api, exit10_worker, exit10_maint;
grant select, update on events_version to exit10_api, exit10_worker, exit10_maint;

-- migrate:down
