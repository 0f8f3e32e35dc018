-- migrate:up
-- What was done about the notice of a gathering: times, numbers, and words of closed lists. There is
-- no column for free text, so nobody's name, address or number can be kept.
create table notice (
    occurrence uuid primary key references occurrence on delete cascade,
    state text not null check (state in (
        'unfiled', 'filed', 'corrected', 'banned', 'objected', 'withdrawn', 'exempt'
    )),
    filed_at timestamptz,
    filed_for timestamptz,
    correction_demanded_at timestamptz,
    corrected_at timestamptz,
    banned_at timestamptz,
    measure text check (measure in ('ban', 'restriction')),
    objected_at timestamptz,
    ruled_at timestamptz,
    withdrawn_at timestamptz,
    holding_reported_at timestamptz,
    exemption text check (exemption in (
        'scholarship', 'arts', 'sport', 'religion', 'ceremony', 'social', 'recreation',
        'family-rite', 'national-celebration', 'indoors', 'press-briefing'
    )),
    marshals integer check (marshals between 0 and 10000),
    stations integer not null check (stations between 1 and 50),
    rival_banned boolean not null,
    version integer not null check (version > 0),
    check ((filed_at is null) = (filed_for is null)),
    check ((banned_at is null) = (measure is null)),
    check ((state = 'exempt') = (exemption is not null))
);
create index notice_filed_for on notice (filed_for) where state in ('filed', 'corrected');

-- A reminder of one step of one gathering. A deadline that moves is reminded of anew.
create table notice_reminder (
    occurrence uuid not null references occurrence on delete cascade,
    step text not null check (step in (
        'file-by', 'correction', 'objection', 'withdrawal', 'holding-report'
    )),
    deadline timestamptz not null,
    hours_before integer not null check (hours_before > 0),
    reminded_at timestamptz not null,
    primary key (occurrence, step, deadline, hours_before)
);

grant select, insert, update on notice to exit10_api;
grant select on notice to exit10_worker;
grant select on notice_reminder to exit10_api;
grant select, insert on notice_reminder to exit10_worker;
grant select, insert, update, delete on notice, notice_reminder to exit10_maint;

-- migrate:down
