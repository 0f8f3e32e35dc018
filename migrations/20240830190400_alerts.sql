-- migrate:up
-- What a phone asked to hear, and where to push it, sealed. No time of arrival, no identity: the id
-- is a keyed digest of a token that only the phone holds.
create table subscription (
    id uuid primary key,
    epoch integer not null references epoch,
    series uuid not null references series on delete cascade,
    audience text not null check (audience in ('attendees', 'volunteers')),
    language text not null check (length(language) between 2 and 11),
    box bytea not null check (length(box) = 1072),
    expires_on date not null
);
create index subscription_reach on subscription (series, audience, id);
create index subscription_expiry on subscription (expires_on);
alter table subscription alter column box set storage plain;

create table alert (
    id uuid primary key,
    series uuid not null references series on delete cascade,
    occurrence uuid not null references occurrence on delete cascade,
    kind text not null check (kind in (
        'information', 'change', 'cancellation', 'reminder', 'safety-warning', 'leave-now', 'all-clear'
    )),
    texts jsonb not null,
    audiences text[] not null check (cardinality(audiences) > 0),
    precedence smallint not null generated always as (case kind
        when 'leave-now' then 0 when 'safety-warning' then 1 when 'cancellation' then 2
        when 'change' then 3 when 'all-clear' then 4 when 'reminder' then 5 else 6
    end) stored,
    tag text not null check (length(tag) = 32),
    replaces uuid references alert,
    reminder_minutes integer,
    composer uuid references organiser on delete set null,
    state text not null check (state in (
        'draft', 'approved', 'sending', 'sent', 'cancelled', 'expired'
    )),
    composed_at timestamptz not null,
    approved_at timestamptz,
    expires_at timestamptz,
    sent_at timestamptz,
    unique (occurrence, reminder_minutes)
);
create index alert_occurrence on alert (occurrence, composed_at);
create index alert_unfinished on alert (state) where state in ('approved', 'sending');

-- A share of an alert's phones: every subscription with first_id <= id < next_id, or, once some of
-- them asked for patience, just the pending ones. Leased by one worker at a time.
create table batch (
    id uuid primary key,
    alert uuid not null references alert on delete cascade,
    first_id uuid,
    next_id uuid,
    pending uuid[],
    attempt integer not null default 0,
    not_before timestamptz not null,
    lease uuid unique,
    leased_until timestamptz,
    done boolean not null default false,
    planned integer not null,
    delivered integer not null default 0,
    gone integer not null default 0,
    failed integer not null default 0,
    first_delivered_at timestamptz,
    last_delivered_at timestamptz
);
create index batch_due on batch (not_before) where not done;
create index batch_alert on batch (alert);

-- The API writes boxes and can never read one back.
grant insert, delete on subscription to exit10_api;
grant select (id, epoch, series, audience, language, expires_on) on subscription to exit10_api;
grant update (epoch, series, audience, language, box, expires_on) on subscription to exit10_api;
grant select, insert, update on alert to exit10_api;
grant select on batch to exit10_api;
grant select, delete on subscription to exit10_worker;
grant select, insert, update, delete on alert, batch to exit10_worker;
grant select (id, epoch, series, audience, language, expires_on), delete on subscription to exit10_maint;
grant select, insert, update, delete on alert, batch to exit10_maint;

-- migrate:down
