-- migrate:up
create table organiser (
    id uuid primary key,
    handle text not null check (length(handle) between 3 and 40),
    role text not null check (role in ('admin', 'organiser', 'marshal-lead')),
    left_on date,
    trusted_from timestamptz not null
);

-- An invite is found by the digest of its token and used once.
create table invite (
    id uuid primary key,
    digest bytea not null unique check (length(digest) = 32),
    role text not null check (role in ('admin', 'organiser', 'marshal-lead')),
    expires_at timestamptz not null,
    by_operator boolean not null,
    redeemed_by uuid references organiser on delete cascade
);

create table access_token (
    id uuid primary key,
    organiser uuid not null references organiser on delete cascade,
    digest bytea not null unique check (length(digest) = 32),
    scopes text[] not null check (cardinality(scopes) > 0),
    expires_on date not null,
    last_used_on date
);
create index access_token_organiser on access_token (organiser);

-- Who stands behind an act that needs several. Removed a day after the act is decided.
create table approval (
    subject uuid not null,
    action text not null,
    organiser uuid not null references organiser on delete cascade,
    primary key (subject, action, organiser)
);

grant select, insert, update, delete on organiser, invite, access_token, approval to exit10_api;
grant select, delete on invite, access_token, approval to exit10_worker;
grant select on organiser to exit10_worker;
grant select, insert, update, delete on organiser, invite, access_token, approval to exit10_maint;

-- migrate:down
